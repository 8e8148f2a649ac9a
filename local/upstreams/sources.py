"""Invented source files, and changes to them."""

from __future__ import annotations

import random

_FUNCTIONS = ("read_temp", "write_limit", "set_pwm", "update_device", "probe", "read_fan", "blink_set")
_BINDING = """\
%YAML 1.2
---
$id: http://devicetree.example.org/schemas/{name}.yaml#
title: {title}

maintainers:
  - {author}

properties:
  compatible:
    const: {name}

  reg:
    maxItems: 1

required:
  - compatible
  - reg

additionalProperties: false
"""
_DOCUMENT = """\
.. SPDX-License-Identifier: GPL-2.0

{title}
{rule}

Author: {author}

Sysfs entries
-------------

========================= ======================================
sample_input              Measured value
sample_alarm              Set when the limit of {limit} is passed
========================= ======================================
"""
_CODE = """\
// SPDX-License-Identifier: GPL-2.0-only
/*
 * {title}
 *
 * Copyright (C) {author}
 */

#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/regmap.h>

#define REG_STATUS\t0x{a:02x}
#define REG_VALUE\t0x{b:02x}
#define LIMIT_MAX\t{limit}

struct sample_data {{
\tstruct regmap *regmap;
\tstruct mutex lock; /* protects the page register */
\tu8 page;
}};

static int sample_read(struct sample_data *data, long *value)
{{
\tunsigned int raw;
\tint ret;

\tret = regmap_read(data->regmap, REG_VALUE, &raw);
\tif (ret)
\t\treturn ret;

\t*value = raw * {scale};
\treturn 0;
}}

MODULE_DESCRIPTION("{title}");
MODULE_LICENSE("GPL");
"""


def make_diff(rng: random.Random, path: str, title: str, author: str) -> str:
    """A diff with its statistics above, as git format-patch writes them."""
    if path.endswith("+"):
        return _new_file(rng, path.removesuffix("+"), title, author)
    return _change(rng, path)


def _new_file(rng: random.Random, path: str, title: str, author: str) -> str:
    template = {".yaml": _BINDING, ".rst": _DOCUMENT}.get(path[path.rindex(".") :], _CODE)
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    text = template.format(
        name=name,
        title=title,
        author=author,
        rule="=" * len(title),
        limit=rng.randrange(1000, 90000),
        scale=rng.randrange(2, 900),
        a=rng.randrange(256),
        b=rng.randrange(256),
    )
    lines = text.splitlines()
    added = "\n".join(f"+{line}" for line in lines)
    body = f"@@ -0,0 +1,{len(lines)} @@\n{added}\n"
    head = f"new file mode 100644\nindex 000000000000..{_blob(rng)}\n--- /dev/null\n+++ b/{path}\n"
    return _statistics(path, len(lines), 0) + f"diff --git a/{path} b/{path}\n{head}{body}"


def _change(rng: random.Random, path: str) -> str:
    function, line = rng.choice(_FUNCTIONS), rng.randrange(40, 700)
    old, new, register = rng.randrange(1, 250), rng.randrange(1, 250), rng.randrange(256)
    body = (
        f"@@ -{line},7 +{line},9 @@ static int {function}(struct device *dev, long *value)\n"
        f" \tint ret;\n \n \tret = regmap_read(data->regmap, 0x{register:02x}, &raw);\n"
        f"-\tif (ret < 0)\n-\t\treturn ret * {old};\n"
        f"+\tif (ret)\n+\t\treturn ret;\n+\n+\traw = clamp_val(raw, 0, {new});\n"
        " \n \treturn 0;\n"
    )
    head = f"index {_blob(rng)}..{_blob(rng)} 100644\n--- a/{path}\n+++ b/{path}\n"
    return _statistics(path, 4, 2) + f"diff --git a/{path} b/{path}\n{head}{body}"


def _statistics(path: str, added: int, removed: int) -> str:
    bar = "+" * min(added, 40) + "-" * min(removed, 10)
    counts = f"{added} insertions(+)" + (f", {removed} deletions(-)" if removed else "")
    return f" {path} | {added + removed} {bar}\n 1 file changed, {counts}\n\n"


def _blob(rng: random.Random) -> str:
    return f"{rng.getrandbits(48):012x}"
