from caponier.emulate.controls.clients.random_user import RandomUser
from caponier.emulate.images import Images
from emulate.controls.clients.asked import requests, steps


def test_one_digit_a_request(pool: Images) -> None:
    assert {len(request) for request in requests(RandomUser(), pool)} == {1}


def test_no_photo_is_like_the_one_before(pool: Images) -> None:
    far = steps(RandomUser(), pool) > 0.8
    assert far.mean() > 0.98
