from pathlib import Path

from mtlkit.data import cache_folder


def test_the_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("MTLKIT_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("/home/someone/.cache/mtlkit")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/mtlkit")
    monkeypatch.setenv("MTLKIT_CACHE", "~/own")
    assert cache_folder() == Path("/home/someone/own")
