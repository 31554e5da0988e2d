"""The demo company itself: Brisa, who bring coffee to offices. Staff, products, pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from api.demo.script import Script
from api.demo.words import MEMBERS, PRODUCTS
from commands.members import AddMember, ChangeMember
from commands.pipelines import DefinePipeline, StageInput
from commands.products import AddProduct, ChangePrice

CURRENCY = "EUR"
SETUP = "system:setup"
"""Who enters what was there before the staff began to use the program."""


@dataclass(frozen=True)
class Product:
    """Something that Brisa sells."""

    id: UUID
    price: Decimal


@dataclass(frozen=True)
class Step:
    """A stage as the demo plays it."""

    name: str
    probability: float
    days: float
    """How long half of the opportunities stay at most."""
    lost: float
    """The share that is lost here."""


@dataclass(frozen=True)
class Track:
    """A pipeline as the demo plays it."""

    id: UUID
    steps: tuple[Step, ...]


MACHINE_STEPS = (
    Step("Qualified", 0.2, 12, 0.18),
    Step("Tasting", 0.4, 18, 0.16),
    Step("Offer", 0.6, 20, 0.2),
    Step("Negotiation", 0.8, 14, 0.12),
)
CONTRACT_STEPS = (
    Step("Due", 0.5, 15, 0.08),
    Step("Offer", 0.65, 16, 0.14),
    Step("Signing", 0.9, 8, 0.05),
)


class Company:
    """Founds Brisa in a script, and knows its ids from then on."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.sales: dict[str, list[UUID]] = {"North": [], "South": []}
        self.service: list[UUID] = []
        self.products: dict[str, list[Product]] = {}
        self._hire()
        self._list_products()
        self.machines = self._pipeline("Machines", MACHINE_STEPS)
        self.contracts = self._pipeline("Care contracts", CONTRACT_STEPS)

    def _hire(self) -> None:
        script, heads = self._script, dict[str, UUID]()
        for name, title, team, office in MEMBERS:
            member = script.new_id(script.begin)
            command = AddMember(
                member=member,
                name=name,
                email=f"{name.lower().replace(' ', '.')}@brisa.example",
                title=title,
                team=team,
                office=office,
                manager=heads.get(team),
            )
            script.tell(script.begin, SETUP, command)
            heads.setdefault(team, member)
            self.sales.get(team, self.service).append(member)
        promoted = self.sales["North"][1]
        better = ChangeMember(member=promoted, title="Senior account executive")
        script.tell(script.begin + timedelta(days=400, hours=9), heads["North"], better)

    def _list_products(self) -> None:
        script = self._script
        for name, code, family, price in PRODUCTS:
            product = Product(script.new_id(script.begin), Decimal(price))
            command = AddProduct(
                product=product.id,
                name=name,
                code=code,
                family=family,
                list_price=product.price,
                currency=CURRENCY,
            )
            script.tell(script.begin, SETUP, command)
            self.products.setdefault(family, []).append(product)
        for dearer in self.products["Beans"]:
            raised = (dearer.price * Decimal("1.06")).quantize(Decimal(1))
            listed = ChangePrice(product=dearer.id, list_price=raised, currency=CURRENCY)
            script.tell(script.begin + timedelta(days=365, hours=8), SETUP, listed)

    def _pipeline(self, name: str, steps: tuple[Step, ...]) -> Track:
        script = self._script
        track = Track(script.new_id(script.begin), steps)
        stages = [StageInput(name=step.name, probability=step.probability) for step in steps]
        ends = [
            StageInput(name="Won", kind="won", probability=1),
            StageInput(name="Lost", kind="lost", probability=0),
        ]
        command = DefinePipeline(pipeline=track.id, name=name, stages=[*stages, *ends])
        script.tell(script.begin, SETUP, command)
        return track
