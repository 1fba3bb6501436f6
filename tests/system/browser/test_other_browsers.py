"""Browsers that know less: what they lack is taken from a real Chromium before the page is loaded."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser
from selenium.webdriver import Chrome

from tests.system.browser.test_page import serving

LACK = """
const known = SubtleCrypto.prototype.generateKey;
SubtleCrypto.prototype.generateKey = function (algorithm, ...rest) {
  if (%s.includes(algorithm)) return Promise.reject(new DOMException("", "NotSupportedError"));
  return known.call(this, algorithm, ...rest);
};
"""


@contextlib.contextmanager
def lacking(algorithms: Sequence[str]) -> Iterator[Chrome]:
    with browser() as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LACK % list(algorithms)})
        yield driver


@pytest.mark.parametrize("algorithm", ["X25519", "Ed25519"])
def test_one_that_cannot_agree_on_keys_is_told_which_can(tmp_path: Path, algorithm: str) -> None:
    with serving(tmp_path) as (url, _), lacking([algorithm]) as driver:
        page = PageUser(driver, url)
        assert page.fault == "This browser lacks X25519 or Ed25519: Chromium 137 has both."
        assert not page["form"].is_displayed()


def test_one_without_ml_kem_talks_where_the_server_allows_that(tmp_path: Path) -> None:
    with lacking(["ML-KEM-768", "ChaCha20-Poly1305"]) as driver:
        with serving(tmp_path) as (url, _):
            page = PageUser(driver, url)
            assert page["classical"].is_selected()
            page.join(answer="")
            advice = "This browser lacks that: use Chromium or the program chat."
            assert page.is_refused() == f"This server asks for Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256. {advice}"
        with serving(tmp_path, "--suite", "any") as (url, _):
            page = PageUser(driver, url)
            page.join(answer="", name="pia")
            page.sees("You are pia in lobby.")
            assert "Noise_XX_25519_AESGCM_SHA256" in page.text("facts")


SUITES = {"XXhfs_25519+MLKEM768_ChaChaPoly": "", "XX_25519_ChaChaPoly": "", "any": "XXhfs_25519+MLKEM768_AESGCM"}


def test_every_suite_is_spoken(tmp_path: Path) -> None:
    with browser() as driver:
        for suite, expected in SUITES.items():
            with serving(tmp_path / suite, "--suite", suite) as (url, _):
                page = PageUser(driver, url)
                page["classical"].click()
                page.join(answer="", name="pia")
                page.sees("You are pia in lobby.")
                assert (expected or suite) in page.text("facts")


def test_a_page_that_may_not_encrypt_says_what_to_ask_for(tmp_path: Path) -> None:
    """WebCrypto is there only over TLS and on the own machine: elsewhere the page has to say so by itself."""
    with serving(tmp_path) as (url, _), browser() as driver:
        source = "Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })"
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        assert PageUser(driver, url).fault == "Ask for an https address: only there does a browser encrypt."
