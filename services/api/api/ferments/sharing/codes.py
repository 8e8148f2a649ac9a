"""QR codes of addresses."""

from io import BytesIO


def qr_code(url: str) -> str:
    """As SVG, dark on white on any background, with a title for screen readers. About a seventh of it may be damaged
    (level M), enough for labels on bottles."""
    import segno

    image = BytesIO()
    segno.make_qr(url, error="m").save(
        image,
        kind="svg",
        title=f"QR code that leads to {url}",
        dark="#000",
        light="#fff",
        xmldecl=False,
        omitsize=True,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    return image.getvalue().decode()
