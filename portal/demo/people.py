"""Two hundred invented customers. Addresses end in example domains; phone numbers are from the range kept for fiction."""

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

GIVEN = {
    "ro": "Ioana Andrei Maria Ștefan Elena Radu Ana Mihai Cristina Alexandru Raluca Octavian Iulia Vlad Simona Bogdan",
    "en": "Emily James Olivia Thomas Grace Henry Charlotte Oliver Amelia George Lucy Arthur Hannah Edward Alice Samuel",
    "vi": "Minh Lan Hương Tuấn Thảo Dũng Mai Quân Ngọc Hải Linh Phúc Trang Khánh Yến Long",
    "th": "สมชาย สุดา วิชัย มาลี ประเสริฐ นภา ธนา กมล อรุณ พิมพ์ ศักดิ์ รัตนา ชัยวัฒน์ วรรณา ณัฐ ปิยะ",
}
FAMILY = {
    "ro": "Popescu Ionescu Dumitrescu Munteanu Țăranu Șerban Rusu Moldovan Stănescu Crișan Pop Lungu Câmpeanu Bălan",
    "en": "Walker Bennett Hughes Clarke Foster Hayes Marsh Lloyd Barker Reeves Palmer Ellis Shaw Dawson",
    "vi": "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô",
    "th": "ใจดี ศรีสุข วงศ์ไทย แก้วมณี บุญมา ทองคำ รักษา สุขใจ พรหมมา จันทร์ดี มั่นคง ชัยชนะ แสงทอง อินทร์แก้ว",
}
LATIN = {  # for mail addresses of people whose names are not written in Latin letters
    "th": "somchai suda wichai malee prasert napha thana kamon arun phim sak rattana chaiwat wanna nat piya",
}
STREETS = ["Strada Horea", "Strada Memorandumului", "Bulevardul Eroilor", "Strada Avram Iancu", "Strada Moților"]
CITIES = [("Cluj-Napoca", "400001"), ("Brașov", "500001"), ("Timișoara", "300001"), ("Iași", "700001"), ("Oradea", "410001")]
SHARES = [("ro", 120), ("en", 40), ("vi", 20), ("th", 20)]


@dataclass(frozen=True)
class Customer:
    number: int
    name: str
    email: str
    phone: str | None
    street: str
    city: str
    postcode: str
    speaks: str
    since: date


def customers(seed: int, today: date) -> list[Customer]:
    """The same two hundred people for the same seed and day."""
    chance = random.Random(seed)  # noqa: S311  # a fixed sequence is what we want
    kinds = [origin for origin, share in SHARES for _ in range(share)]
    chance.shuffle(kinds)
    return [_customer(chance, number, origin, today) for number, origin in enumerate(kinds, 1)]


def _customer(chance: random.Random, number: int, origin: str, today: date) -> Customer:
    given_names = GIVEN[origin].split()
    place = chance.randrange(len(given_names))
    given, family = given_names[place], chance.choice(FAMILY[origin].split())
    name = f"{family} {given}" if origin == "vi" else f"{given} {family}"
    latin = LATIN[origin].split()[place] if origin in LATIN else _plain(f"{given}.{family}")
    city, postcode = chance.choice(CITIES)
    return Customer(
        number=number,
        name=name,
        email=f"{latin}{number}@example.{chance.choice(['com', 'org', 'net'])}",
        phone=f"+44 7700 900{number:03}" if chance.random() < 0.6 else None,
        street=f"{chance.choice(STREETS)} {chance.randint(1, 120)}",
        city=city,
        postcode=postcode,
        speaks="ro" if origin == "ro" else "en",
        since=today - timedelta(days=chance.randint(40, 1500)),
    )


def _plain(name: str) -> str:
    """`Ștefan.Țăranu` → `stefan.taranu`."""
    letters = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
