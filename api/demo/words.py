"""What the demo company's world is made of. All names of people and firms are made up."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Alma Anton Arne Aylin Beatriz Bo Carla Cem Chiara Clara Dagny Daria David Edda Elif Elin "
    "Emil Enzo Esra Eva Farid Femke Filip Frida Gaia Greta Hakon Hanna Hugo Ida Ilse Imran Ines "
    "Iris Ivo Jana Jasper Joana Jon Julia Karim Katja Kiran Laila Lars Lena Leon Linnea Lotte "
    "Luca Maja Malik Marta Mateo Mila Milan Mira Nadia Nele Nils Nora Olga Oskar Otto Paula Pavel "
    "Petra Pia Rafa Rana Remy Ronja Rosa Ruben Samir Sara Selma Sofia Sven Tara Theo Tilda Tomas "
    "Uma Vera Viktor Wanda Yara Yusuf Zoe"
)
LAST_NAMES = _words(
    "Abel Adeyar Albers Almqvist Amundal Arvensen Bakkelund Barros Belmonte Berghaus Bielik "
    "Birkholm Boelens Brandal Brightwell Calderas Castellan Cedervall Correlli Dahlmark Delvaux "
    "Dorrington Duarto Eikeland Ekholm Elsinger Engvall Fabrizi Fagerlund Falkner Farrow Ferreiro "
    "Fjeldberg Galvani Gerritsma Granlund Grimsby Haakonsen Hallgren Hartwell Heldring Holtmann "
    "Ibarro Ingelsen Jankovar Jellema Kallberg Karademir Kettering Klaverman Kowalec Kvistad "
    "Lacroy Langerak Lindqvister Lorenzi Lundgaard Marchetto Mellberg Merriton Moravec Nakamori "
    "Nordhagen Novaro Okonjar Oosterman Ortegui Overgaard Palmqvist Pellerin Pettersholm Quintar "
    "Rasmark Rendell Rosendal Sandvoll Santorra Schellinger Silvano Skarsgren Solberger Strandt "
    "Tavarel Terhune Thorvaldt Ulvang Vanderlaan Velasqui Verhoeven Vestergren Waldrop Westerlind "
    "Winterman Yildizer Zabransky Zeller"
)

FIRM_FIRST = _words(
    "Alder Amber Anchor Arbor Aurora Beacon Birch Blue Bright Cedar Cinder Clear Cobalt Copper "
    "Coral Crane Delta Drift Dune Elm Ember Falcon Fern Fjord Flint Forge Garnet Glade Granite "
    "Harbour Hazel Heron Hollow Indigo Iron Juniper Kestrel Lantern Lark Linden Lumen Maple Marble "
    "Meadow Mill Moss North Oak Ochre Onyx Opal Orchard Osprey Pebble Pine Quarry Raven Reed Ridge "
    "River Rowan Sable Sage Salt Sierra Silver Slate Spruce Stone Summit Tidal Timber Umber Velvet "
    "Vista Walnut Willow Winter Wren"
)
FIRM_SECOND = _words(
    "berg bridge brook court croft dale field ford gate grove hall haven hill holm house land leaf "
    "line mark mere mill moor point port ridge rock shore side stead stone vale view wall ward "
    "water way well wood works yard"
)
FIRM_KINDS = {
    "Software": ("Labs", "Software", "Systems", "Digital"),
    "Legal": ("Legal", "Partners", "& Partners", "Counsel"),
    "Hotels": ("Hotels", "Hospitality", "Resorts", "Inns"),
    "Manufacturing": ("Works", "Industries", "Components", "Tooling"),
    "Healthcare": ("Clinics", "Health", "Care", "Medical"),
    "Logistics": ("Logistics", "Freight", "Cargo", "Lines"),
    "Education": ("Academy", "College", "Institute", "Schools"),
    "Retail": ("Stores", "Retail", "Market", "Outfitters"),
    "Finance": ("Capital", "Insurance", "Finance", "Advisers"),
    "Architecture": ("Architects", "Studio", "Design", "Spaces"),
}
"""By industry: the words that its firms end their names with."""

CITIES = (
    ("Oslo", "Norway", "North"),
    ("Bergen", "Norway", "North"),
    ("Gothenburg", "Sweden", "North"),
    ("Malmö", "Sweden", "North"),
    ("Copenhagen", "Denmark", "North"),
    ("Aarhus", "Denmark", "North"),
    ("Hamburg", "Germany", "North"),
    ("Rotterdam", "Netherlands", "North"),
    ("Utrecht", "Netherlands", "North"),
    ("Ghent", "Belgium", "South"),
    ("Lyon", "France", "South"),
    ("Milan", "Italy", "South"),
    ("Turin", "Italy", "South"),
    ("Vienna", "Austria", "South"),
    ("Graz", "Austria", "South"),
    ("Porto", "Portugal", "South"),
    ("Lisbon", "Portugal", "South"),
    ("Valencia", "Spain", "South"),
)
"""City, country, and the team that looks after it."""
STREETS = ("Harbour", "Market", "Station", "Mill", "Garden", "Church", "Canal", "School", "Park")

POSITIONS = (
    ("Office manager", "Administration"),
    ("Facility manager", "Facilities"),
    ("Head of purchasing", "Purchasing"),
    ("Buyer", "Purchasing"),
    ("Head of people", "People"),
    ("Assistant to the board", "Administration"),
    ("Chief financial officer", "Finance"),
    ("Accountant", "Finance"),
    ("Workplace lead", "Facilities"),
    ("Managing director", "Management"),
    ("Restaurant manager", "Hospitality"),
    ("Team lead", "Operations"),
)

MEMBERS = (
    ("Ingrid Solvang", "Head of sales", "North", "Oslo"),
    ("Jonas Kjelland", "Account executive", "North", "Oslo"),
    ("Maren Toft", "Account executive", "North", "Oslo"),
    ("Ruth Adelmann", "Account executive", "North", "Hamburg"),
    ("Paolo Ferranti", "Head of sales", "South", "Milan"),
    ("Teresa Vidalgo", "Account executive", "South", "Lisbon"),
    ("Bastien Carpel", "Account executive", "South", "Lyon"),
    ("Leonie Haubner", "Account executive", "South", "Vienna"),
    ("Signe Ravnholt", "Head of service", "Service", "Oslo"),
    ("Kofi Mensaro", "Service engineer", "Service", "Oslo"),
    ("Hedda Lyngmo", "Service engineer", "Service", "Milan"),
    ("Tiago Sequeiro", "Service desk", "Service", "Lisbon"),
)
"""Name, title, team, office; the first of a team manages it."""

PRODUCTS = (
    ("Brisa One", "BR-1", "Machines", 1_900),
    ("Brisa Duo", "BR-2", "Machines", 3_400),
    ("Brisa Bar", "BR-9", "Machines", 7_800),
    ("Filtro 20", "FI-20", "Machines", 1_250),
    ("Filtro 60", "FI-60", "Machines", 2_600),
    ("Velo cold brew tower", "VE-1", "Machines", 4_900),
    ("House blend, 10 kg", "BE-10", "Beans", 210),
    ("Dark roast, 10 kg", "BE-11", "Beans", 225),
    ("Single farm Huila, 5 kg", "BE-20", "Beans", 165),
    ("Decaf, 5 kg", "BE-30", "Beans", 130),
    ("Filter grind, 8 kg", "BE-40", "Beans", 150),
    ("Oat drink, 24 pieces", "SU-1", "Supplies", 62),
    ("Paper cups, 2,000", "SU-2", "Supplies", 95),
    ("Cleaning set", "SU-3", "Supplies", 48),
    ("Water filter, 4 pieces", "SU-4", "Supplies", 112),
    ("Tea box, 12 kinds", "SU-5", "Supplies", 74),
    ("Barista training day", "SE-1", "Services", 890),
    ("Care plan Basic, a year", "SE-10", "Services", 620),
    ("Care plan Plus, a year", "SE-11", "Services", 1_150),
    ("Care plan Site, a year", "SE-12", "Services", 2_900),
)
"""Name, code, family, list price in EUR."""

LEAD_SOURCES = ("website", "webinar", "trade fair", "referral", "partner", "search")
CAMPAIGNS = ("Spring tasting", "Better breaks", "Office move guide", "Autumn roast")
INTERESTS = (
    "A machine for {n} people in the new office",
    "Wants to replace vending machines on {n} floors",
    "Asks for a tasting for {n} people",
    "Compares care plans for {n} machines",
    "Needs coffee for {n} guests a day",
)
DISCARD_REASONS = (
    "no budget",
    "no answer",
    "too small",
    "student",
    "went elsewhere",
    "wrong region",
)
LOST_REASONS = ("price", "no decision", "competitor", "timing", "features", "budget cut")
COMPETITORS = ("Kaffeewerk Nord", "Tazza Rapida", "Cuppa Direct", "Grindhouse Pro")
CASE_SUBJECTS = (
    ("Machine leaks under the tray", "repair", "high"),
    ("Grinder is stuck", "repair", "high"),
    ("Display shows error {n}", "repair", "normal"),
    ("Coffee is lukewarm", "repair", "normal"),
    ("Wrong beans delivered", "delivery", "normal"),
    ("Delivery is late", "delivery", "normal"),
    ("Box arrived damaged", "delivery", "low"),
    ("Question about invoice {n}", "billing", "low"),
    ("Move a machine to floor {n}", "request", "low"),
    ("Machine is down, {n} people wait", "repair", "urgent"),
)
RESOLUTIONS = (
    "Replaced the part on site.",
    "Cleaned and set up again together on the phone.",
    "Sent a replacement, the old one was picked up.",
    "Credited on the next invoice.",
    "Explained, and added to the guide for this site.",
)
RETURN_REASONS = ("damaged in transit", "wrong item", "ordered too much", "taste")
NOTES = (
    "Prefers calls before ten.",
    "Budget is decided in October.",
    "They share the kitchen with the firm next door.",
    "Wants to see the machine in use before deciding.",
    "Very happy with the last delivery.",
    "New office opens next year, plan for twice the people.",
    "Complained about the cups, asked for samples of others.",
    "Decides together with finance; send numbers, not brochures.",
)
TOPICS = ("tasting", "offer", "delivery dates", "site visit", "care plan", "number of cups a day")
WEBINARS = ("Coffee as a benefit", "What a cup really costs", "Sustainable break rooms")
DOWNLOADS = ("guide-office-coffee", "price-list", "care-plans", "checklist-office-move")
PAGES = ("machines", "machines/brisa-duo", "beans", "care-plans", "pricing", "stories", "contact")
