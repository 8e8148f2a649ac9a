"""Who writes on the sample lists. The people are invented; the bots use the addresses real bots use."""

from __future__ import annotations

from local.upstreams.letters import Sender

HWMON_MAINTAINER = Sender("Torunn Dahl", "torunn.dahl@sensors.example")
LEDS_MAINTAINER = Sender("Maduka Okafor", "maduka@lights.example")
BINDINGS_MAINTAINER = Sender("Ilse Vandamme", "ilse+dt@bindings.example")

RELAYED = Sender("Priya Ramanathan", "priya.ramanathan@gridsense.example")
RELAYED_ADDRESS = "devnull+priya.ramanathan.gridsense.example@kernel.org"
MUNGED = Sender("Yusuf Adeyemi", "yusuf@strictmail.example")
CYRILLIC = Sender("Олег Ветров", "o.vetrov@pogoda.example")
SURNAME_FIRST = Sender("Brandt, Annika", "annika.brandt@bigcorp.example")
NAMELESS = Sender("", "qa-desk@boardlab.example")
SPAMMER = Sender("Office Desk", "desk@bulk.example")

AUTHORS = (
    Sender("Mirela Costin", "mirela.costin@kestrel.example"),
    Sender("Takumi Arai", "arai@fanworks.example"),
    Sender("Sørine Holm", "sorine@holm.example"),
    Sender("Lucas Ferreira", "lucas.ferreira@brightlab.example"),
    Sender("Nadia Haddad", "nadia@haddad.example"),
    Sender("Piotr Zieliński", "piotr.zielinski@automat.example"),
    Sender("Wei Lan", "wei.lan@voltline.example"),
    Sender("Aoife Brennan", "aoife@brennan.example"),
    Sender("Jonas Kettunen", "jonas.kettunen@boreal.example"),
    Sender("Carla Mendieta", "cmendieta@boardlab.example"),
    Sender("Samir Joshi", "samir.joshi@gridsense.example"),
    Sender("Hanna Lindqvist", "hanna@lindqvist.example"),
    SURNAME_FIRST,
    CYRILLIC,
)
REVIEWERS = (
    HWMON_MAINTAINER,
    LEDS_MAINTAINER,
    BINDINGS_MAINTAINER,
    Sender("Femi Balogun", "femi@balogun.example"),
    Sender("Gwen Parry", "gwen.parry@sensors.example"),
    Sender("René Dupuis", "rene.dupuis@atelier.example"),
    Sender("Kavita Menon", "kavita@menon.example"),
    Sender("Tomáš Hruška", "tomas@hruska.example"),
    Sender("Beatriz Leal", "beatriz.leal@lights.example"),
    Sender("Dmitri Sokol", "sokol@oldirons.example"),
    Sender("Ashanti Cole", "ashanti@cole.example"),
)

KERNEL_ROBOT = Sender("kernel test robot", "lkp@intel.com")
SYZBOT = Sender("syzbot", "syzbot+5a4f1c8e22d07b9c31aa@syzkaller.appspotmail.com")
PATCHWORK_BOT = Sender("", "patchwork-bot+sample-hwmon@kernel.org")
REVIEW_BOT = Sender("", "sashiko-bot@kernel.org")
