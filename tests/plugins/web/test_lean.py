"""What is left out of the page's files, and what stays."""

import re
import shutil
import subprocess

import pytest

from plytalk.plugins.web.lean import lean_markup, lean_script, lean_style
from plytalk.plugins.web.page_files import LOADED_LATER, file_text, lean_scripts, names, served_page

SCRIPT = r"""
// a comment
/** Another,
 * of two lines. */
const one = (a, b) => { // and one behind
  return [a, `${b} , c`, "d , e // f", "\" , g"];
};

const two = text.split(/[\s-]+ , "/).map((each) => each.replace(/[/"] = /g, " , ")), half = 1 / 2, third = one / 3;
"""
LEAN = r"""const one=(a,b)=>{
return[a,`${b} , c`,"d , e // f","\" , g"];
};
const two=text.split(/[\s-]+ , "/).map((each)=>each.replace(/[/"] = /g," , ")),half=1 / 2,third=one / 3;
"""


def test_a_script_keeps_its_literals_and_its_lines() -> None:
    assert lean_script(SCRIPT) == LEAN


def test_signs_that_would_run_together_keep_their_blanks() -> None:
    assert lean_script("a = b - -c;\nd = e + +f;\ng = !h;\n") == "a=b - -c;\nd=e + +f;\ng=!h;\n"


def test_a_style_keeps_the_blanks_of_its_selectors() -> None:
    style = "#log li:has(p) , b {\n  color: red; margin: 0 -1px;\n}\n\n@media (max-width: 44rem) {\n}\n"
    assert lean_style(style) == "#log li:has(p),b{\ncolor:red;margin:0 -1px;\n}\n@media (max-width:44rem){\n}\n"


def test_a_page_keeps_what_stands_in_its_lines() -> None:
    page = '<p id="one" class="two three">\n  a  b\n\n</p>\n<input type="text" value="">\n'
    assert lean_markup(page) == '<p id=one class="two three">\na  b\n</p>\n<input type=text value="">\n'


@pytest.mark.skipif(not shutil.which("node"), reason="needs node (on Debian: apt install nodejs)")
@pytest.mark.parametrize("text", [*map(file_text, names()[2:]), "".join(map(file_text, names()[2:]))], ids=[*names()[2:], "all"])
def test_a_script_that_can_be_parsed_still_can(text: str) -> None:
    """Each alone, and all of them: no name is declared twice."""
    for form in (text, lean_script(text)):
        parsed = subprocess.run(["node", "--check", "-"], input=form, text=True, capture_output=True, check=False)
        assert parsed.returncode == 0, parsed.stderr


def test_the_scripts_keep_to_the_habits_that_this_relies_on() -> None:
    text = "".join(map(file_text, names()[2:]))
    outside = re.sub(r'"(?:\\.|[^"\\])*"', "", text)
    assert re.findall(r"`[^`\n]*\$\{[^}`\n]*`[^`\n]*`", outside) == []
    assert "'" not in re.sub(r"//[^\n]*|/\*\*.*?\*/|`[^`\n]*`", "", outside, flags=re.DOTALL)


def test_what_is_sent_is_lean() -> None:
    sent = served_page()[0] + lean_scripts(LOADED_LATER)
    assert "//" not in sent
    assert "\n " not in sent
