"""What the sample series are about: titles, and the files they touch."""

from __future__ import annotations

from dataclasses import dataclass

from local.upstreams.live import HWMON, LEDS


@dataclass(frozen=True, slots=True)
class Topic:
    """`patches` are (title, path). A path ending in "+" is a file the patch adds."""

    slug: str
    lists: tuple[str, ...]
    title: str
    device: str
    patches: tuple[tuple[str, str], ...]


def _driver(slug: str, subsystem: str, vendor: str, device: str, what: str, *more: str) -> Topic:
    """A new driver: its binding, the driver itself, its documentation, and what else is named."""
    code = f"drivers/{'leds' if subsystem == LEDS else 'hwmon'}/{slug}.c"
    word = "leds" if subsystem == LEDS else "hwmon"
    bindings = f"Documentation/devicetree/bindings/{word}/{vendor},{slug}.yaml+"
    extra = tuple((f"{word}: ({slug}) {title}", code) for title in more)
    return Topic(
        slug,
        (subsystem,),
        f"{word}: Add support for the {device} {what}",
        device,
        (
            (f"dt-bindings: {word}: Add {device}", bindings),
            (f"{word}: Add driver for {device} {what}", code + "+"),
            *extra,
            (f"Documentation: {word}: Describe {slug}", f"Documentation/{word}/{slug}.rst+"),
        ),
    )


def _series(slug: str, lists: str | tuple[str, ...], device: str, title: str, *titles: str) -> Topic:
    """Changes to one existing driver. With one patch, that patch's title is the topic's."""
    names = (lists,) if isinstance(lists, str) else lists
    word = "leds" if names[0] == LEDS else "hwmon"
    path = f"drivers/{word}/{slug}.c"
    patches = tuple((f"{word}: ({slug}) {one}", path) for one in titles or (title,))
    return Topic(slug, names, f"{word}: ({slug}) {title}", device, patches)


BOTH = (HWMON, LEDS)

TOPICS = (
    _driver("kx2401", HWMON, "kestrel", "Kestrel KX2401", "fan controller", "Support stall detection"),
    _driver("vtl9110", HWMON, "voltline", "Voltline VTL9110", "six-rail power monitor"),
    _driver("gs3040", HWMON, "gridsense", "GridSense GS3040", "current sensor", "Add energy counters"),
    _driver("brl77", HWMON, "boreal", "Boreal BRL77", "humidity sensor"),
    _driver("ltn3904", LEDS, "lanternic", "Lanternic LTN3904", "RGBW driver", "Add hardware patterns"),
    _driver("qm31s", LEDS, "quietmatrix", "QuietMatrix QM31S", "LED matrix controller"),
    _driver("flw22", LEDS, "flowlight", "Flowlight FLW22", "flash driver"),
    _series("kx2300", HWMON, "KX2300", "Fix fan speed readout above 16000 RPM"),
    _series("kx2300", HWMON, "KX2300", "Use the regmap cache for limits"),
    _series("tmx75", HWMON, "TMX75", "Avoid overflow when writing temperature limits"),
    _series("tmx75", HWMON, "TMX75", "Do not report a fault during conversion"),
    _series("pmb-volt", HWMON, "PMB Volt", "Fix locking around page selection"),
    _series("nfx6100", HWMON, "NFX6100", "Add board id for the Fjord X6 workstation"),
    _series("nfx6100", HWMON, "NFX6100", "Serialise access to the bank register"),
    _series("w9sens", HWMON, "W9SENS", "Drop the unused platform data header"),
    _series("aq-cool", HWMON, "AQ-Cool", "Handle short USB reports"),
    _series("shx4", HWMON, "SHX4", "Wait long enough after a soft reset"),
    _series("drive-heat", HWMON, "drive temperature", "Skip drives in standby"),
    _series("rgb7720", LEDS, "RGB7720", "Fix use after free when the device is unbound"),
    _series("rgb7720", LEDS, "RGB7720", "Allow brightness above the default current"),
    _series("gpio-row", LEDS, "GPIO row", "Do not sleep in the blink timer"),
    _series("trig-load", LEDS, "load trigger", "Take CPU hotplug into account"),
    _series("ktn52", LEDS, "KTN52", "Use devm_mutex_init()"),
    _series("pwm-glow", LEDS, "PWM glow", "Keep the state when the system suspends"),
    _series(
        "w9sens",
        HWMON,
        "W9SENS",
        "Modernise the driver",
        "Convert to the with_info API",
        "Use guard() for the update lock",
        "Drop the custom cache",
        "Report the chip revision in debugfs",
        "Sort the includes",
    ),
    _series(
        "pmb-volt",
        HWMON,
        "PMB Volt",
        "Support more chips of the family",
        "Split out the register map",
        "Add support for VOLT8",
        "Add support for VOLT12",
    ),
    _series(
        "kx2300",
        HWMON,
        "KX2300",
        "Improve PWM control",
        "Read back the PWM mode",
        "Let user space choose the PWM frequency",
    ),
    _series(
        "aq-cool",
        HWMON,
        "AQ-Cool",
        "Support the second generation",
        "Move report parsing to its own function",
        "Describe channels in a table",
        "Add the second generation devices",
        "Expose pump speed limits",
    ),
    _series(
        "drive-heat",
        HWMON,
        "drive temperature",
        "Report lifetime limits",
        "Cache the capability page",
        "Add lowest and highest attributes",
    ),
    _series(
        "rgb7720",
        LEDS,
        "RGB7720",
        "Add multicolor support",
        "Describe the channels by a table",
        "Register multicolor class devices",
        "Accept the multi-led node",
    ),
    _series(
        "qm18",
        LEDS,
        "QM18",
        "Runtime power management",
        "Move the enable line to a helper",
        "Suspend when all LEDs are off",
    ),
    _series(
        "gpio-row",
        LEDS,
        "GPIO row",
        "Clean up probing",
        "Use dev_err_probe()",
        "Use fwnode helpers",
        "Drop board file support",
    ),
    _series(
        "envbox",
        BOTH,
        "ENVBOX",
        "Front panel with sensors and lights",
        "Add core support for the front panel",
        "Add panel temperature and fan attributes",
        "Add status lights",
    ),
    _series("envbox", BOTH, "ENVBOX", "Fix a double free in the error path"),
)
