"""The maps in ``examples``, and files as other CRMs export them, mapped without code."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from commands.importing import BadMap, dry_run, load
from commands.importing.ids import record_id
from domain.opportunities import OpportunityLost, OpportunityOpened, OpportunityWon
from tests.commands.importing.kit import ACTOR, Kit

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_small_example_is_as_its_first_lines_say(kit: Kit) -> None:
    folder = EXAMPLES / "contacts"
    files = [folder / name for name in ("companies.csv", "contacts.csv", "deals.csv")]
    verdicts = list(dry_run(load(folder / "map.yaml", files), kit.bus, actor=ACTOR))
    assert Counter(v.kind for v in verdicts) == {"new": 13, "refused": 2}
    assert [str(v) for v in verdicts if v.kind == "refused"] == [
        "contacts.csv, line 7, column “Create Date”: refused: “2024-02-30 14:00” is no date and "
        "time there is; expected is iso (2016-12-31 23:59:59)",
        "contacts.csv, line 8, column “Email”: refused: “noah.becker@example”: is not an e-mail "
        "address",
    ]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_map_of_a_data_set_is_a_map(path: Path) -> None:
    with pytest.raises(BadMap, match="no file was given that matches"):
        load(path, [])


PIPEDRIVE = """
    source: pipedrive
    zone: Europe/Berlin
    setup:
      - command: define-pipeline
        fields: {pipeline: {id: Deals}, name: Deals, stages: [{name: Lead in}, {name: Offer made}]}
    files:
      - match: organizations-*.csv
        do:
          - command: open-account
            fields: {account: {id: Organization - Name}, name: Organization - Name}
      - match: deals-*.csv
        separator: ;
        columns:
          Deal - Value: {type: decimal, decimal: ",", group: "."}
          Deal - Deal created: {type: datetime, formats: "%d.%m.%Y %H:%M"}
          Deal - Won time: {type: datetime, formats: "%d.%m.%Y %H:%M"}
          Deal - Lost time: {type: datetime, formats: "%d.%m.%Y %H:%M"}
          Deal - Expected close date: {type: date, formats: "%d.%m.%Y"}
          Deal - Lost reason: {default: not stated}
        do:
          - command: open-opportunity
            at: Deal - Deal created
            fields:
              opportunity: {id: Deal - ID}
              name: Deal - Title
              pipeline: {ref: pipeline, key: Deal - Pipeline}
              stage: Deal - Stage
              account: {ref: account, key: Deal - Organization}
              amount: Deal - Value
              currency: Deal - Currency
              expected_close: Deal - Expected close date
          - command: win-opportunity
            when: {Deal - Status: won}
            at: Deal - Won time
            fields: {opportunity: {ref: opportunity, key: Deal - ID}}
          - command: lose-opportunity
            when: {Deal - Status: lost}
            at: Deal - Lost time
            fields:
              opportunity: {ref: opportunity, key: Deal - ID}
              lost_reason: Deal - Lost reason
"""
PIPEDRIVE_DEALS = (
    "Deal - ID;Deal - Title;Deal - Value;Deal - Currency;Deal - Pipeline;Deal - Stage;"
    "Deal - Status;Deal - Expected close date;Deal - Won time;Deal - Lost time;"
    "Deal - Lost reason;Deal - Deal created;Deal - Organization\r\n"
    "1;Müller & Söhne;1.234,50;EUR;Deals;Offer made;won;31.08.2023;30.08.2023 16:20;;;"
    "02.01.2023 09:00;Müller GmbH\r\n"
    "2;Zweitgeschäft;;;Deals;Lead in;lost;;;05.05.2023 10:00;;01.03.2023 08:00;\r\n"
)


def test_deals_that_name_their_organisations(kit: Kit) -> None:
    kit.run(
        PIPEDRIVE,
        {
            "deals-1.csv": "\ufeff" + PIPEDRIVE_DEALS,
            "organizations-1.csv": "Organization - Name\nMüller GmbH\n",
        },
    )
    _, _, opened, won, other, lost = kit.events()
    assert isinstance(opened.event, OpportunityOpened)
    assert opened.event.amount == Decimal("1234.50")
    assert opened.event.account == record_id("pipedrive", "account", "Müller GmbH")
    assert opened.occurred_at == datetime(2023, 1, 2, 8, tzinfo=UTC)
    assert isinstance(won.event, OpportunityWon)
    assert won.occurred_at == datetime(2023, 8, 30, 14, 20, tzinfo=UTC)
    assert isinstance(other.event, OpportunityOpened)
    assert (other.event.amount, other.event.account) == (None, None)
    assert lost.event == OpportunityLost(lost_reason="not stated")


SALESFORCE = """
    source: salesforce
    setup:
      - command: define-pipeline
        fields: {pipeline: {id: Standard}, name: Standard,
                 stages: [{name: Prospecting}, {name: Proposal}]}
    files:
      - match: Account.csv
        columns: {IsDeleted: boolean, AnnualRevenue: decimal}
        do:
          - command: open-account
            when: {IsDeleted: false}
            fields: {account: {id: Id}, name: Name, revenue: AnnualRevenue,
                     revenue_currency: {value: USD}}
      - match: Opportunity.csv
        columns:
          IsDeleted: boolean
          IsClosed: boolean
          IsWon: boolean
          Amount: decimal
          CloseDate: date
          CreatedDate: datetime
          open stage: {header: StageName, values: {Closed Won: Proposal, Closed Lost: Proposal}}
        do:
          - command: open-opportunity
            when: {IsDeleted: false}
            at: CreatedDate
            fields:
              opportunity: {id: Id}
              name: Name
              pipeline: {ref: pipeline, key: {value: Standard}}
              stage: open stage
              account: {ref: account, key: AccountId, if_missing: leave_empty}
              amount: Amount
              currency: {value: USD}
              expected_close: CloseDate
          - command: win-opportunity
            when: {IsDeleted: false, IsWon: true}
            at: CloseDate
            fields: {opportunity: {ref: opportunity, key: Id}}
          - command: lose-opportunity
            when: {all: [{IsDeleted: false}, {IsClosed: true}, {not: {IsWon: true}}]}
            at: CloseDate
            fields: {opportunity: {ref: opportunity, key: Id}, lost_reason: {value: not stated}}
"""


def test_records_that_are_deleted_are_left_out(kit: Kit) -> None:
    verdicts = kit.verdicts(
        SALESFORCE,
        {
            "Account.csv": '"Id","IsDeleted","Name","AnnualRevenue"\n'
            '"001A","0","Acme","1000000.0"\n"001B","1","Gone",""\n',
            "Opportunity.csv": "Id,IsDeleted,AccountId,Name,StageName,Amount,CloseDate,IsClosed,"
            "IsWon,CreatedDate\n"
            "6A,false,001A,First,Closed Won,500.0,2023-05-01,true,true,2023-01-01T10:00:00.000Z\n"
            "6B,false,001B,Next,Closed Lost,,2023-06-01,true,false,2023-02-01T10:00:00.000+0000\n"
            "6C,false,,Third,Prospecting,,2023-07-01,false,false,2023-03-01T10:00:00.000Z\n"
            "6D,true,,Fourth,Prospecting,,2023-07-01,false,false,2023-03-01T10:00:00.000Z\n",
        },
    )
    names = [[fact.__event__.name for fact in verdict.facts] for verdict in verdicts]
    assert names == [
        ["account.opened"],
        [],
        ["opportunity.opened", "opportunity.won"],
        ["opportunity.opened", "opportunity.lost"],
        ["opportunity.opened"],
        [],
    ]
    assert [v.kind for v in verdicts if not v.facts] == ["left out", "left out"]


HISTORY = """
    source: hubspot
    setup:
      - command: define-pipeline
        fields: {pipeline: {id: default}, name: Sales,
                 stages: [{name: appointment}, {name: qualified}, {name: contract}]}
    files:
      - match: deals.csv
        columns: {createdate: datetime}
        do:
          - command: open-opportunity
            at: createdate
            fields: {opportunity: {id: id}, name: dealname, stage: {value: appointment},
                     pipeline: {ref: pipeline, key: {value: default}}}
      - match: deal_property_history.csv
        sort_by: timestamp
        columns: {timestamp: datetime}
        do:
          - command: change-stage
            when: {name: dealstage}
            at: timestamp
            fields: {opportunity: {ref: opportunity, key: object_id}, stage: value}
"""


def test_a_history_of_changes_becomes_back_dated_facts(kit: Kit) -> None:
    kit.run(
        HISTORY,
        {
            "deals.csv": "id,dealname,createdate\n7,Deal,2023-01-01T00:00:00Z\n",
            "deal_property_history.csv": "object_id,name,value,timestamp\n"
            "7,dealstage,contract,2023-03-01T00:00:00Z\n"
            "7,amount,5,2023-02-15T00:00:00Z\n"
            "7,dealstage,qualified,2023-02-01T00:00:00Z\n",
        },
    )
    moved = [
        (it.event.to_stage, it.occurred_at.month)
        for it in kit.events()
        if it.name == "opportunity.stage_changed"
    ]
    assert moved == [("qualified", 2), ("contract", 3)]
