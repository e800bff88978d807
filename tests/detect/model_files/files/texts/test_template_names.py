"""Templates that put a name together and look something up by it, in every way that binds a name.

Each is first filled in by Jinja itself, without a sandbox, and must give the class of a text away.
"""

import jinja2
import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.templates import read
from detect.model_files.files.building import fresh, verdict

NAME = "'__cla' ~ 'ss__'"
CLIMBS = {
    "a count of loops that the template binds itself": f"{{% set index = {NAME} %}}{{{{ ''[index] }}}}",
    "a loop that is none": f"{{% set loop = namespace(index={NAME}) %}}{{{{ ''[loop.index] }}}}",
    "the second of two names that are set": (
        f"{{% for b in tools %}}{{% endfor %}}{{% set a, b = 1, {NAME} %}}{{{{ ''[b] }}}}"
    ),
    "a loop over what another loop has made": (
        f"{{% for tools in [[{NAME}]] %}}{{% for k in tools %}}{{{{ ''[k] }}}}{{% endfor %}}{{% endfor %}}"
    ),
    "a parameter of a macro": (
        "{% macro f(tools) %}{% for k in tools %}{{ ''[k] }}{% endfor %}{% endmacro %}" + f"{{{{ f([{NAME}]) }}}}"
    ),
    "a name for a part of a template": (
        f"{{% with tools = [{NAME}] %}}{{% for k in tools %}}{{{{ ''[k] }}}}{{% endfor %}}{{% endwith %}}"
    ),
    "a loop that is called with another list": (
        f"{{% for k in messages recursive %}}{{% if loop.depth == 1 %}}{{{{ loop([{NAME}]) }}}}"
        "{% else %}{{ ''[k] }}{% endif %}{% endfor %}"
    ),
    "what is added to a list that was given": (
        f"{{{{ messages.append({NAME}) }}}}"
        "{% for k in messages %}{% if k is string %}{{ ''[k] }}{% endif %}{% endfor %}"
    ),
    "what is added to a list that somehow was given": (
        f"{{{{ (messages or tools).append({NAME}) }}}}"
        "{% for k in messages %}{% if k is string %}{{ ''[k] }}{% endif %}{% endfor %}"
    ),
    "what is added to a list in a list": (
        f"{{{{ tools.append([]) }}}}{{{{ given[0].list.append({NAME}) }}}}"
        "{% for k in given[0].list %}{{ ''[k] }}{% endfor %}"
    ),
    "the names of arguments, joined": "{% for k in [dict(__cla=1, ss__=1) | join] %}{{ ''[k] }}{% endfor %}",
    "a parameter by its name": (
        "{% macro f(a, tools) %}{% for k in tools %}{{ ''[k] }}{% endfor %}{% endmacro %}"
        f"{{{{ f(1, tools=[{NAME}]) }}}}"
    ),
    "a parameter of its own accord": (
        f"{{% macro f(tools=[{NAME}]) %}}{{% for k in tools %}}{{{{ ''[k] }}}}{{% endfor %}}{{% endmacro %}}"
        "{{ f() }}"
    ),
    "a macro by another name": (
        "{% macro f(tools) %}{% for k in tools %}{{ ''[k] }}{% endfor %}{% endmacro %}"
        f"{{% set g = f %}}{{{{ g([{NAME}]) }}}}"
    ),
    "parameters without a name": (
        f"{{% macro f() %}}{{% for k in varargs %}}{{{{ ''[k] }}}}{{% endfor %}}{{% endmacro %}}{{{{ f({NAME}) }}}}"
    ),
    "a list of one text": "{% for k in ['__cla' 'ss__'] %}{{ ''[k] }}{% endfor %}",
    "a token that comes from the same file": "{% for k in [eos_token] %}{{ ''[k] }}{% endfor %}",
    "what a macro writes": "{% macro f() %}__cla{{ x }}ss__{% endmacro %}{% for k in [f()] %}{{ ''[k] }}{% endfor %}",
    "an attribute that is named last": f"{{{{ ([''] | groupby(case_sensitive=true, attribute={NAME}))[0][0] }}}}",
    "a filter that is told a filter": f"{{{{ ([['']] | map('groupby', {NAME}) | first)[0][0] }}}}",
    "arguments that are spread": f"{{{{ ([''] | groupby(case_sensitive=true, *[{NAME}]))[0][0] }}}}",
}


@pytest.mark.parametrize("trick", CLIMBS)
def test_what_climbs_by_a_name_of_its_own_is_not_clean(trick: str) -> None:
    given = {"messages": [{"role": "user"}], "tools": [], "given": [{"list": []}], "eos_token": "__class__"}
    assert "class &#39;str&#39;" in jinja2.Environment(autoescape=True).from_string(CLIMBS[trick]).render(**given)
    assert verdict(CLIMBS[trick].encode()) is not Verdict.CLEAN


@pytest.mark.parametrize(
    "template",
    [
        "{% set index = (messages|length - 1) - loop.index0 %}{{ messages[index].content }}",
        "{% set i = 0 %}{{ messages[i + 1] }}",
        "{% set rest = messages[1:] %}{% for m in rest %}{% for k in m.items() %}{{ m[k] }}{% endfor %}{% endfor %}",
        "{% for tool in tools %}{% for p in tool.parameters.properties %}{{ tool.parameters.properties[p].type }}"
        "{% endfor %}{% endfor %}",
        "{% for k, v in args|dictsort %}{{ args[k] }}{% endfor %}{{ messages[loop.index0 - 1] }}",
        "{% for k, v in fn['parameters']['keys'] | dictsort %}{{ fn['parameters']['keys'][k] }}{% endfor %}",
        "{% macro rest(d, known) %}{% for k in d if k not in known %}{{ d[k] }}{% endfor %}{% endmacro %}"
        "{% for t in tools %}{% set known = ['name'] %}{{ rest(t, known) }}{{ rest(t.function, ['a']) }}{% endfor %}",
        "{{ tools | sort(attribute='name') | map(attribute='name') | join(', ') }}",
        "{{ messages | selectattr('role', 'in', roles) | map('upper') | list }}",
    ],
)
def test_what_runs_over_what_it_is_given_is_not_accused(template: str) -> None:
    climb = read(template, fresh())
    assert (climb.harms, climb.doubts) == ([], [])
