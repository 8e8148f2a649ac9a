from xml.etree import ElementTree

from api.ferments.sharing.codes import qr_code

URL = "https://api.example.org/api/v1/public/b/01KAG1C2SR0000000000000001"
SVG = "{http://www.w3.org/2000/svg}"


def test_a_code_is_a_drawing_with_a_title() -> None:
    drawing = ElementTree.fromstring(qr_code(URL))

    assert drawing.tag == f"{SVG}svg"
    assert [title.text for title in drawing.iter(f"{SVG}title")] == [f"QR code that leads to {URL}"]
    assert drawing.attrib.keys() == {"viewBox"}


def test_it_is_dark_on_white_by_day_and_night() -> None:
    light, dark = ElementTree.fromstring(qr_code(URL)).iter(f"{SVG}path")

    assert (light.get("fill"), dark.get("stroke")) == ("#fff", "#000")


def test_other_addresses_have_other_codes() -> None:
    assert qr_code(URL).partition("</title>")[2] != qr_code(URL + "x").partition("</title>")[2]
