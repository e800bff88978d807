"""Reads pickles without running them: which globals does a stream name, call, create, build or fill?

`machine` follows every instruction of the protocols 0 to 5, `rules` says which uses are allowed, by library and role,
and `allow_list.yaml` and `dangerous.yaml` are its data.
"""
