import pytest

from caponier.matrix.contributions.public_address import host_of, issue_to


@pytest.mark.parametrize(
    "address",
    [
        "https://arxiv.org/abs/1802.03162",
        "http://faculty.washington.edu/mdecock/papers/byu2018a.pdf",
        "HTTPS://Incidentdatabase.AI/cite/6",
        "https://nvd.nist.gov/vuln/detail/CVE-2019-20634",
        "https://5stars217.github.io/2023-08-08/#unexpected-benefits---organization-confusion",
        "https://kb.cert.org:443/vuls/id/425163",
        "https://www.wsj.com/?page=7&q=a%20b",
        "https://b\u00fccher.de/bericht",
        "https://xn--bcher-kva.de/bericht",
        "https://example.gov.uk/report",
        "https://localhost.run/report",
    ],
)
def test_where_anybody_can_read_a_report_is_a_source(address: str) -> None:
    assert issue_to(address) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("", "no http"),
        ("report.pdf", "no http"),
        ("ftp://ftp.cert.org/a", "no http"),
        ("file:///etc/passwd", "no http"),
        ("data:text/html,hi", "no http"),
        ("//host.org/a", "no http"),
        ("https:/host.org/a", "no http"),
        ("https://", "no host"),
        ("https:///a", "no host"),
        ("https://host.org/a b", "letters"),
        ("https://host.org/a\u202eb", "letters"),
        ("https://host.org/<a>", "letters"),
        ("https://host.org\\@evil.org/a", "letters"),
        ("https://me@host.org/a", "user name"),
        ("https://:pw@host.org/a", "user name"),
        ("https://host.org:99999/a", "malformed"),
        ("https://host.org:abc/a", "malformed"),
        ("https://[::1/a", "malformed"),
        ("https://127.0.0.1/a", "number"),
        ("https://10.1.2.3/a", "number"),
        ("https://[::1]/a", "number"),
        ("https://[fe80::1%25eth0]/a", "number"),
        ("https://8.8.8.8/a", "number"),
        ("https://2130706433/a", "number"),
        ("https://0x7f000001/a", "number"),
        ("https://127.1/a", "number"),
        ("https://localhost/a", "private"),
        ("https://app.localhost/a", "private"),
        ("https://wiki.internal/a", "private"),
        ("https://nas.local./a", "private"),
        ("https://a.test/a", "private"),
        ("https://example.com/a", "reserved"),
        ("https://www.example.org/a", "reserved"),
        ("https://x.invalid/a", "reserved"),
        ("https://intranet/a", "private"),
        ("https://wiki/a", "no public name"),
        ("https://-bad.org/a", "no public name"),
        ("https://host..org/a", "malformed"),
        (f"https://{'a' * 64}.org/a", "malformed"),
        ("https://host.org", "not a report"),
        ("https://host.org/", "not a report"),
    ],
)
def test_other_addresses_are_none(address: str, why: str) -> None:
    assert why in (issue_to(address) or "")


def test_a_host_is_told_without_its_port_and_last_dot() -> None:
    assert host_of("https://Host.ORG.:8443/a") == "host.org"
    assert host_of("https://[broken") == ""
