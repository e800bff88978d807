"""A brief as one HTML file of two printed pages, self-contained."""

from caponier.app.brief import words
from caponier.app.brief.brief import Brief
from caponier.extras import needs


def to_html(brief: Brief) -> str:
    """Return both pages.

    Raises:
        MissingExtraError: If the extra `serve` is not installed.
    """
    with needs("serve", "The brief as HTML"):
        from jinja2 import Environment, PackageLoader, StrictUndefined
    environment = Environment(
        loader=PackageLoader("caponier.app.brief", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page: str = environment.get_template("brief.html.j2").render(brief=brief, words=words)
    return page
