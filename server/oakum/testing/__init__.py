"""For whoever writes rules: a Markdown page of tests, and what has to hold for a rule and its page.

```python
import pytest
from oakum import catalogue
from oakum.testing import Section, check_rule, check_section, sections

PAGE = Path(__file__).with_name("my_rule.md")


@pytest.mark.parametrize("section", sections(PAGE), ids=lambda section: section.id)
def test_section(section: Section, tmp_path: Path) -> None:
    check_section(section, tmp_path)
```
"""

from oakum.testing.pages import Expectation, Section, blocks, sections, with_prelude
from oakum.testing.rules import check_rule, check_section

__all__ = ["Expectation", "Section", "blocks", "check_rule", "check_section", "sections", "with_prelude"]
