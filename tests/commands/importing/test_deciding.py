"""A verdict for each row, from a dry run that stores nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from textwrap import dedent

from commands.importing.ids import record_id
from domain.accounts import AccountDetailsChanged
from domain.contacts import ContactAdded
from domain.orders import OrderPlaced
from domain.pipelines import PipelineDefined
from tests.commands.importing.kit import ORDERS, ORDERS_HEADER, Kit, one_step

PEOPLE = one_step("add-contact", "{contact: {id: id}, last_name: name, email: email}")
PEOPLE_HEADER = "id,name,email\n"


def test_one_row_becomes_several_commands(kit: Kit) -> None:
    rows = "1,ada,2020-01-01,5\n2,ada,2020-01-02,7.50\n"
    assert kit.sentences(ORDERS, {"orders.csv": ORDERS_HEADER + rows}) == [
        "orders.csv, line 2: new: contact.added, order.placed",
        "orders.csv, line 3: new: order.placed",
    ]
    assert kit.events() == []


def test_bad_rows_are_refused_with_file_line_and_column_and_the_others_are_not(kit: Kit) -> None:
    rows = [
        "1,ada,2016-02-30,5",
        "2,ada,2016-02-29,12.3.4",
        "3,,2016-02-29,5",
        "4,bob,2016-02-29,5",
        "4,cyd,2016-02-29,6",
        "5,ada,2016-02-29",
        "6,ada,,5",
        "7,ada,2999-01-01,5",
        "8,ada,2016-02-29,1234567890123456789",
        ",ada,2016-02-29,5",
    ]
    sentences = kit.sentences(ORDERS, {"orders.csv": ORDERS_HEADER + "\n".join(rows)})
    assert sentences == [
        "orders.csv, line 2, column “date”: refused: “2016-02-30” is no date there is; "
        "expected is iso (2016-12-31)",
        "orders.csv, line 3, column “amount”: refused: “12.3.4” is no number: it has 2 decimal "
        "marks “.”",
        "orders.csv, line 4, column “customer”: refused: is empty",
        "orders.csv, line 5: new: contact.added, order.placed",
        "orders.csv, line 6, column “number”: refused: the order “4” is there already, from "
        "orders.csv:5",
        "orders.csv, line 7: refused: the row has 3 cells, fewer than the 4 columns",
        "orders.csv, line 8, column “date”: refused: is empty, but says when this was",
        "orders.csv, line 9, column “date”: refused: lies in the future; a fact has happened",
        "orders.csv, line 10, column “amount”: refused: decimal input should have no more than 18 "
        "digits in total",
        "orders.csv, line 11, column “number”: refused: is empty, but tells the order from others",
    ]


def test_a_row_is_carried_out_whole_or_not_at_all(kit: Kit) -> None:
    rows = "1,ada,2020-01-01,5\n1,bob,2020-01-01,5\n2,bob,2020-01-02,5\n"
    verdicts = kit.verdicts(ORDERS, {"orders.csv": ORDERS_HEADER + rows})
    assert [v.kind for v in verdicts] == ["new", "refused", "new"]
    names = [fact.__event__.name for fact in verdicts[2].facts]
    assert names == ["contact.added", "order.placed"], "the refused row had not added bob"


def test_a_refused_row_gives_back_the_unique_values_that_it_asked_for(kit: Kit) -> None:
    text = ORDERS.replace("last_name: customer", "email: customer")
    rows = "1,ada@x.org,2020-01-01,5\n1,bob@x.org,2020-01-01,5\n2,BOB@x.org,2020-01-02,5\n"
    verdicts = kit.verdicts(text, {"orders.csv": ORDERS_HEADER + rows})
    assert [v.kind for v in verdicts] == ["new", "refused", "new"]


def test_a_record_of_another_row_has_to_be_there(kit: Kit) -> None:
    text = one_step(
        "add-contact", "{contact: {id: id}, last_name: id, account: {ref: account, key: org}}"
    )
    assert kit.sentences(text, {"rows.csv": "id,org\n1,Acme\n2,\n"}) == [
        "rows.csv, line 2, column “org”: refused: there is no account “Acme”, neither in this "
        "import nor in the store",
        "rows.csv, line 3: new: contact.added",
    ]


def test_a_reference_may_be_left_empty_if_its_record_is_missing(kit: Kit) -> None:
    text = one_step(
        "add-contact",
        "{contact: {id: id}, last_name: id, "
        "account: {ref: account, key: org, if_missing: leave_empty}}",
    )
    (verdict,) = kit.verdicts(text, {"rows.csv": "id,org\n1,Acme\n"})
    assert verdict.facts == (ContactAdded(last_name="1"),)


def test_a_reference_may_name_the_source_of_another_map(kit: Kit) -> None:
    kit.run(
        one_step("open-account", "{account: {id: name}, name: name}"), {"rows.csv": "name\nAcme\n"}
    )
    text = one_step(
        "add-contact",
        "{contact: {id: id}, last_name: id, account: {ref: account, key: org, source: test}}",
    ).replace("source: test\n", "source: people\n", 1)
    (verdict,) = kit.verdicts(text, {"rows.csv": "id,org\n1,Acme\n"})
    assert verdict.facts == (
        ContactAdded(last_name="1", account=record_id("test", "account", "Acme")),
    )


def test_a_row_that_was_there_before_is_a_duplicate(kit: Kit) -> None:
    kit.run(PEOPLE, {"rows.csv": PEOPLE_HEADER + "1,Ada,ada@x.org\n"})
    rows = "1,Ada King,ada@x.org\n2,Bob,bob@x.org\n2,Bob,\n"
    assert kit.sentences(PEOPLE, {"rows.csv": PEOPLE_HEADER + rows}) == [
        "rows.csv, line 2: duplicate",
        "rows.csv, line 3: new: contact.added",
        "rows.csv, line 4, column “id”: refused: the contact “2” is there already, from rows.csv:3",
    ]


def test_what_to_do_with_a_record_that_is_there_is_for_the_map_to_say(kit: Kit) -> None:
    kit.run(PEOPLE, {"rows.csv": PEOPLE_HEADER + "1,Ada,ada@x.org\n"})
    rows = {"rows.csv": PEOPLE_HEADER + "1,Ada King,\n"}
    skip, change, refuse = (
        PEOPLE.replace("        fields", f"        if_exists: {word}\n        fields")
        for word in ("skip", "change", "refuse")
    )
    assert kit.sentences(skip, dict(rows)) == ["rows.csv, line 2: duplicate"]
    assert kit.sentences(change, dict(rows)) == [
        "rows.csv, line 2: changes (last_name): contact.details_changed"
    ]
    assert kit.sentences(refuse, dict(rows)) == [
        "rows.csv, line 2, column “id”: refused: the contact “1” is there already in the store"
    ]


def test_a_change_that_says_nothing_new_is_a_duplicate(kit: Kit) -> None:
    change = PEOPLE.replace("        fields", "        if_exists: change\n        fields")
    kit.run(change, {"rows.csv": PEOPLE_HEADER + "1,Ada,ada@x.org\n"})
    rows = {"rows.csv": PEOPLE_HEADER + "1,Ada,ADA@x.org \n1,Ada,\n"}
    assert [v.kind for v in kit.verdicts(change, dict(rows))] == ["changes", "duplicate"]


def test_a_value_that_another_record_holds_is_refused(kit: Kit) -> None:
    rows = "1,Ada,ada@x.org\n2,Bob,ADA@x.org\n"
    sentences = kit.sentences(PEOPLE, {"rows.csv": PEOPLE_HEADER + rows})
    assert sentences[1] == (
        "rows.csv, line 3, column “email”: refused: "
        "Another contact has this e-mail address already."
    )


def test_a_value_that_the_command_does_not_take_names_the_column(kit: Kit) -> None:
    sentences = kit.sentences(PEOPLE, {"rows.csv": PEOPLE_HEADER + "1,Ada,nobody\n"})
    assert sentences == [
        "rows.csv, line 2, column “email”: refused: “nobody”: is not an e-mail address"
    ]


def test_a_row_that_no_step_is_for_is_left_out(kit: Kit) -> None:
    text = PEOPLE.replace("        fields", "        when: {deleted: 'no'}\n        fields")
    rows = "id,name,email,deleted\n1,Ada,,yes\n2,Bob,,no\n"
    assert [v.kind for v in kit.verdicts(text, {"rows.csv": rows})] == ["left out", "new"]


def test_values_come_from_columns_constants_texts_lists_and_parts(kit: Kit) -> None:
    text = """
        source: test
        zone: Europe/Berlin
        files:
          - match: rows.csv
            columns: {day: date, amount: decimal, gift: decimal}
            do:
              - command: add-contact
                at: {column: day, time: "08:30"}
                fields: {contact: {id: [first, last]}, first_name: first, last_name: last,
                         title: {text: "{first}   {middle} {last}"}}
              - command: place-order
                at: day
                fields:
                  order: {id: [{value: web}, $file, $line]}
                  contact: {ref: contact, key: [first, last]}
                  currency: {value: EUR}
                  reason: {text: "row {$line} of {$file}"}
                  lines:
                    - fields: {description: {value: Goods}, amount: amount}
                    - fields: {amount: gift}
    """
    rows = "first,middle,last,day,amount,gift\nAda,,King,2020-07-01,5,\n"
    (verdict,) = kit.verdicts(text, {"rows.csv": rows})
    added, placed = verdict.facts
    assert isinstance(added, ContactAdded)
    assert isinstance(placed, OrderPlaced)
    assert added.title == "Ada King"
    assert placed.contact == record_id("test", "contact", "Ada\x1fKing")
    assert [line.amount for line in placed.lines] == [Decimal(5)]
    kit.run(text, {"rows.csv": rows})
    first, second = kit.events()
    assert first.occurred_at == datetime(2020, 7, 1, 6, 30, tzinfo=UTC)
    assert second.occurred_at == datetime(2020, 7, 1, 10, tzinfo=UTC), "noon in Berlin"
    assert second.stream == record_id("test", "order", "web\x1frows.csv\x1f2")
    assert second.reason == "row 2 of rows.csv"
    assert second.correlation_id == first.command_id, "commands of a row belong together"


def test_what_does_not_say_when_is_dated_to_the_import_if_the_map_says_so(kit: Kit) -> None:
    text = ORDERS.replace("at: date", "at: {column: date, if_empty: now}")
    before = datetime.now(UTC)
    kit.run(text, {"orders.csv": ORDERS_HEADER + "1,ada,,5\n"})
    assert all(it.occurred_at >= before for it in kit.events())


def test_what_no_column_dates_can_be_dated_to_one_day(kit: Kit) -> None:
    text = ORDERS.replace("at: date", "at: {date: 2016-10-01, time: '08:00'}")
    setup = "setup: [{command: add-member, at: 2016-09-30, fields: {name: Ada}}]\n"
    kit.run(setup + dedent(text), {"orders.csv": ORDERS_HEADER + "1,ada,,5\n"})
    assert [it.occurred_at for it in kit.events()] == [
        datetime(2016, 9, 30, 12, tzinfo=UTC),
        datetime(2016, 10, 1, 8, tzinfo=UTC),
        datetime(2016, 10, 1, 8, tzinfo=UTC),
    ]


def test_several_files_are_one_table_that_can_be_sorted(kit: Kit) -> None:
    text = one_step(
        "add-contact",
        "{contact: {id: id}, last_name: id}",
        sort_by="[n, id]",
        columns="{n: integer}",
    )
    text = text.replace("match: rows.csv", "match: rows*.csv")
    verdicts = kit.verdicts(
        text, {"rows1.csv": "id,n\na,10\nb,9\nc,x\nd,\n", "rows2.csv": "n,id\n9,a2\n9,b\n"}
    )
    order = [(v.file, v.line, v.kind) for v in verdicts]
    assert order == [
        ("rows2.csv", 2, "new"),
        ("rows1.csv", 3, "new"),
        ("rows2.csv", 3, "refused"),  # b again: ties keep file order
        ("rows1.csv", 2, "new"),
        ("rows1.csv", 5, "new"),  # no n: after all others
        ("rows1.csv", 4, "refused"),  # unreadable: last
    ]


def test_files_are_taken_in_the_order_of_the_map(kit: Kit) -> None:
    text = """
        source: test
        files:
          - match: accounts.csv
            do: [{command: open-account, fields: {account: {id: name}, name: name}}]
          - match: accounts.csv
            do:
              - command: change-account
                when: {parent: {empty: false}}
                fields: {account: {ref: account, key: name}, parent: {ref: account, key: parent}}
          - match: people.csv
            do:
              - command: add-contact
                fields: {contact: {id: id}, last_name: id, account: {ref: account, key: org}}
    """
    verdicts = kit.verdicts(
        text, {"people.csv": "id,org\n1,Sub\n", "accounts.csv": "name,parent\nSub,Top\nTop,\n"}
    )
    assert [v.kind for v in verdicts] == ["new", "new", "changes", "left out", "new"]
    assert verdicts[2].facts == (AccountDetailsChanged(parent=record_id("test", "account", "Top")),)


def test_the_setup_is_there_for_the_rows(kit: Kit) -> None:
    text = """
        source: test
        setup:
          - command: define-pipeline
            fields: {pipeline: {id: sales}, name: Sales, stages: [{name: New}]}
        files:
          - match: deals.csv
            do:
              - command: open-opportunity
                fields: {opportunity: {id: id}, name: id, stage: {value: New},
                         pipeline: {ref: pipeline, key: {value: sales}}}
    """
    files: dict[str, str | bytes] = {"deals.csv": "id\nA\n"}
    assert [v.kind for v in kit.verdicts(text, files)] == ["new"]
    kit.run(text, files)
    kit.run(text, files | {"deals.csv": "id\nB\n"})
    assert sum(isinstance(fact, PipelineDefined) for fact in kit.facts()) == 1
