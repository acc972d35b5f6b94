"""Every code of a finding, by number: 0xx the text, 1xx the schema, 2xx references, 3xx lint, 4xx security.

A code keeps its meaning for ever; a number that is no longer used is not given to anything else.
"""

from collections.abc import Mapping

from cepd.config.codes.code import Code
from cepd.config.codes.dialect import DIALECT_CODES
from cepd.config.codes.lint import LINT_CODES
from cepd.config.codes.references import REFERENCE_CODES
from cepd.config.codes.ruletests import RULETEST_CODES
from cepd.config.codes.schema import SCHEMA_CODES
from cepd.config.codes.security import SECURITY_CODES
from cepd.config.codes.text import TEXT_CODES

_ALL = (*TEXT_CODES, *SCHEMA_CODES, *DIALECT_CODES, *RULETEST_CODES, *REFERENCE_CODES, *LINT_CODES, *SECURITY_CODES)

CODES: Mapping[str, Code] = {code.code: code for code in sorted(_ALL, key=lambda code: code.code)}
