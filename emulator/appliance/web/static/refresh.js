// Brings a page up to date in its place, so that nobody loses the focus or what was typed.
//
// The page's own <script> element says how: `data-after` is when (seconds), `data-to` where the
// page goes; without it the page is fetched again, and each element marked `data-live` gets its
// new content. A page with other such elements is another page, and is shown whole.
// Without a script, the page's <meta http-equiv="refresh"> does the same, less gently.
"use strict";
(() => {
  const parts = (page) => [...page.querySelectorAll("[data-live]")];
  const name = (part) => part.dataset.live;

  const renew = (old, fresh) => {
    old.className = fresh.className;
    if (old.innerHTML === fresh.innerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const same = focused && [...fresh.querySelectorAll("*")].find((one) => one.isEqualNode(focused));
    old.replaceChildren(...fresh.childNodes);
    if (same) same.focus({ preventScroll: true });
  };

  const show = (page) => {
    const [old, fresh] = [parts(document), parts(page)];
    if (old.map(name).join() === fresh.map(name).join()) {
      old.forEach((part, at) => renew(part, fresh[at]));
      return;
    }
    document.title = page.title;
    document.body.replaceWith(page.body);
    document.getElementById("content").focus({ preventScroll: true });
  };

  const look = async () => {
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok) return plan; // it restarts, or is gone for a moment
    if (answer.redirected) return location.replace(answer.url); // to the login
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("script[data-after]");
    show(page);
    return next && next.dataset;
  };

  let plan = { ...document.currentScript.dataset };
  const wait = () =>
    setTimeout(async () => {
      if (plan.to) return location.assign(plan.to);
      plan = await look();
      if (plan) wait();
    }, plan.after * 1000);
  wait();
})();
