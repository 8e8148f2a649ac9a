"""The sentences people use: why a patch is sent, and what is said about it."""

from __future__ import annotations

REASONS = (
    "{device} returns stale values when it is read right after a configuration\nwrite. "
    "Users see readings that belong to the old setting, which confuses\nfan control daemons.",
    "While testing on a board with two {device} parts I noticed that the second\none never "
    "updates. The index was computed from the wrong base, so both\ninstances shared one slot.",
    "The data sheet of {device} (section 7.4) asks for a pause of at least 2 ms\nbetween "
    "two conversions. Without it roughly one reading in a thousand is\nwrong.",
    "So far {device} was only usable with board files, which are gone. Describe\nthe part in a way firmware can use.",
    "No functional change intended. The next patch needs this, and the code is\neasier to follow this way.",
    "Reported by a user whose machine logs an error on every resume. The bus is\nnot ready "
    "yet at that point, so {device} answers with all ones.",
)

COVER_TEXTS = (
    "This series teaches the kernel about {device}. The part is used on several\nboards that "
    "are otherwise fully supported.\n\nTested on two boards for a week, with lockdep and KASAN enabled.",
    "Here is an attempt to make {device} behave. The first patches prepare, the\nlast one "
    "changes behaviour.\n\nI am not sure about the name of the new attribute. Suggestions are welcome.",
    "While looking at a bug report I found that {device} has a few more problems\nthan the one "
    "reported. Each patch stands alone; they are sent together\nbecause they touch the same lines.",
)

CHANGELOGS = (
    "- use a table instead of the switch statement\n- collect tags",
    "- fix the build without CONFIG_OF\n- reword the commit message",
    "- rename the attribute as discussed\n- check the return value of the last write",
    "- split the clean-up from the fix\n- rebase",
)

REVIEWED = (
    "Looks good to me, and it works as described here.",
    "Nice clean-up, thank you.",
    "I compared this with the data sheet and it matches. No further comments.",
    "Thanks, all my earlier remarks are addressed.",
)
QUESTIONS = (
    "Why is the lock needed here? As far as I can see the core serialises this\ncall already.",
    "Is this value documented anywhere? The public data sheet only mentions 0x1f.",
    "What happens when the device is removed while the work is still queued?",
    "Would it not be simpler to keep the old helper and pass the index?",
)
REMARKS = (
    "This leaks the reference when the second allocation fails. Please use the\ndevm variant or add an error label.",
    "Please do not add a new sysfs attribute for this, there is a standard one.",
    "The multiplication overflows on 32 bit for values above 4 million. Use\nmul_u64_u32_div() or clamp first.",
    "Magic numbers. Please add defines with the names from the data sheet.",
)
REJECTIONS = (
    "NAK. This breaks user space that relies on the old scale, and the commit\nmessage does "
    "not even mention it. We do not do that.",
    "NAK. This was discussed twice already and the answer is still no: such\npolicy belongs "
    "into user space, not into the driver.",
    "Sorry, but no. This papers over a bug in the bus driver. Please fix it\nthere, where it hurts everybody.",
)
ANSWERS = (
    "You are right, I missed that path. Will fix it in the next version.",
    "Good catch, thank you! I will add a define and a comment.",
    "The vendor confirmed it by mail; I will quote them in the commit message.",
    "I tried that first, but then the probe order matters. I can add a comment\nthat explains it.",
)
DISAGREEMENTS = (
    "I disagree. The hardware does exactly what the manual says, and your\nproposal makes the "
    "common case slower for no gain.",
    "This is getting frustrating. I have sent this three times now, and each\ntime there is a "
    "new requirement nobody mentioned before.",
)
PINGS = (
    "Gentle ping. Is there anything I should change here?",
    "Ping? This still applies to the current tree.",
)
APPLIED = (
    "Applied to {tree}, thanks!",
    "Applied, thank you. I fixed up a blank line while doing so.",
    "Both the code and the documentation look fine. Applied to {tree}.",
)
TESTED = (
    "Works on my board, the readings agree with the external meter within 1 %.",
    "Ran this over night on three machines. No more errors in the log.",
)
