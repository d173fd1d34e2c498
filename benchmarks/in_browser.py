"""How long a browser takes to check a proof on our own page, beside nothing but checking an Ed25519 signature there."""

from typing import Any

from benchmarks.portals import Measured
from tests import browser

TIMES = 200
CHECKED = """async (proof) => {
  const keys = document.getElementById("key").value, took = { whole: [], bare: [] };
  const { publicKey, privateKey } = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const text = new TextEncoder().encode(proof.slice(-200)), signed = await crypto.subtle.sign("Ed25519", privateKey, text);
  const timed = async (name, work) => {
    const began = performance.now();
    const done = await work();
    took[name].push(performance.now() - began);
    return done;
  };
  for (let time = 0; time < TIMES; time++) {
    const report = await timed("whole", () => verify(proof, keys));
    if (report.problems.length || report.unchecked) throw new Error(JSON.stringify(report));
    await timed("bare", () => crypto.subtle.verify("Ed25519", publicKey, signed, text));
  }
  return took;
}""".replace("TIMES", str(TIMES))


def check_times(portal: Measured, proof: str) -> dict[str, list[float]]:
    """Milliseconds of each check: of the `whole` proof, and of a `bare` signature."""
    with browser.opened() as chromium:
        page = chromium.new_page()
        page.goto(portal.address + "/audit/verify")
        took: dict[str, Any] = page.evaluate(CHECKED, proof)
    return took
