"""0xx: findings about the text of a file."""

from cepd.config.codes.code import Code
from cepd.config.codes.samples import PACK

TEXT_CODES: tuple[Code, ...] = (
    Code(
        code="CEP001",
        severity="error",
        title="not YAML",
        explanation="The text breaks the rules of YAML here, and nothing after it in the file could be read. The "
        "usual causes are a tab as indentation, text with ': ' or quotes in it that is not quoted as a whole, and "
        "a bracket or quote that is never closed.",
        bad=PACK.replace("cpu_percent > 85", '"busy" in tags'),
        good=PACK.replace("cpu_percent > 85", "'\"busy\" in tags'"),
    ),
    Code(
        code="CEP002",
        severity="error",
        title="not UTF-8",
        explanation="Files are UTF-8, with or without a byte order mark. Another encoding cannot be told apart safely.",
        bad="name: caf\\xe9        (the byte 0xE9 of Latin-1)\n",
        good="name: caf\\xc3\\xa9    (the two bytes of UTF-8)\n",
    ),
    Code(
        code="CEP003",
        severity="error",
        title="a field is given twice",
        explanation="Many YAML readers take the last one in silence, so a rule does not say what it seems to say.",
        bad=PACK.replace("    when: cpu_percent > 85\n", "    when: cpu_percent > 85\n    when: cpu_percent > 95\n"),
        good=PACK,
    ),
    Code(
        code="CEP004",
        severity="error",
        title="a key that is not text",
        explanation="Keys are names. An unquoted number, true, false or null, and a list or mapping, is no name.",
        bad=PACK.replace("host.cpu}", "host.cpu, 1: x}"),
        good=PACK,
    ),
    Code(
        code="CEP005",
        severity="error",
        title="a tag",
        explanation="Tags such as !!str or !env change what a value is, or run code, in some readers. cepd has "
        "none: text is quoted, and a secret is {env: NAME}.",
        bad=PACK.replace("name: hosts", "name: !!str hosts"),
        good=PACK,
    ),
    Code(
        code="CEP006",
        severity="error",
        title="aliases that repeat too much",
        explanation="An alias repeats what its anchor names. Aliases of aliases can blow a small file up to "
        "billions of values, and an alias inside its own anchor never ends; both are refused.",
        bad=PACK.replace("actions: [", "tags: &all [*all]\n    actions: ["),
        good=PACK,
    ),
    Code(
        code="CEP007",
        severity="error",
        title="nested too deeply",
        explanation="No document needs more than 32 levels. The limit keeps a hostile file from ending the process.",
        bad="[" * 40 + "]" * 40 + "\n",
        good=PACK,
    ),
    Code(
        code="CEP008",
        severity="error",
        title="a file that is too large",
        explanation="A file has at most 4 MiB, which is several thousand rules. Split it by team or by subject.",
        bad="(a file of more than 4,194,304 bytes)\n",
        good="(the same rules in several files)\n",
    ),
    Code(
        code="CEP009",
        severity="error",
        title="a number that cannot be used",
        explanation="Numbers are finite and whole ones fit into 64 bits; .nan and .inf compare with nothing. A "
        "long identifier of digits is text: quote it.",
        bad=PACK.replace("hosts\n", "hosts\ndescription: 123456789012345678901234567890\n"),
        good=PACK.replace("hosts\n", 'hosts\ndescription: "123456789012345678901234567890"\n'),
    ),
    Code(
        code="CEP010",
        severity="error",
        title="a file that cannot be read",
        explanation="The file belongs to the tree and could not be opened, is no regular file, or is a link that "
        "leads out of the tree or in a circle. The other files go on.",
        bad="secrets.yaml -> /etc/shadow\n",
        good="shared.yaml -> common/shared.yaml\n",
    ),
    Code(
        code="CEP011",
        severity="warning",
        title="more findings than are shown",
        explanation="Of each file the first hundred findings are shown, errors before warnings.",
        bad="(a file with 137 findings)\n",
        good="(a file with at most 100 findings)\n",
    ),
)
