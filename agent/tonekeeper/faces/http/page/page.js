
(function () {
  "use strict";
  var QUIET = 8000, POLL = 5000, AGAIN = 10000;  // events come every 5 s at least
  var live = document.getElementById("live"), old = document.getElementById("old");
  var refused = document.getElementById("refused");
  var heard = Date.now(), polled = heard, told = 0, opened = 0, source = null;  // told: by an event

  // Makes `now` like `fresh` and touches only what differs: focus, selection and opened details stay.
  function renew(now, fresh) {
    if (now.nodeName !== fresh.nodeName) { now.replaceWith(fresh); return; }
    if (now.nodeType !== 1) { if (now.data !== fresh.data) now.data = fresh.data; return; }
    Array.from(now.attributes).forEach(function (one) {
      if (one.name !== "open" && !fresh.hasAttribute(one.name)) now.removeAttribute(one.name);
    });
    Array.from(fresh.attributes).forEach(function (one) {
      if (now.getAttribute(one.name) !== one.value) now.setAttribute(one.name, one.value);
    });
    var place = now.firstChild;
    Array.from(fresh.childNodes).forEach(function (child) {
      var match = counterpart(place, child);
      if (!match) { now.insertBefore(child, place); return; }
      if (match === place) place = place.nextSibling; else now.insertBefore(match, place);
      renew(match, child);
    });
    while (place) { var next = place.nextSibling; place.remove(); place = next; }
  }

  // Of the nodes from `place` on, the one that shows the same thing as `child`.
  function counterpart(place, child) {
    var key = keyOf(child);
    if (!key) return place && !keyOf(place) && place.nodeName === child.nodeName ? place : null;
    while (place && keyOf(place) !== key) place = place.nextSibling;
    return place;
  }
  function keyOf(node) { return node.nodeType === 1 && node.getAttribute("data-key"); }

  function take(html) {
    var focus = document.activeElement, part = focus && focus.closest("[data-part]");
    new DOMParser().parseFromString(html, "text/html").querySelectorAll("[data-part]").forEach(function (fresh) {
      var now = document.getElementById(fresh.id);
      if (now) renew(now, fresh);  // an agent that was updated may have parts that this page has not
    });
    heard = Date.now();
    if (part && !focus.isConnected && part.querySelector("h2")) part.querySelector("h2").focus({ preventScroll: true });
    show();
  }

  function listen() {
    opened = Date.now();
    source = new EventSource("api/v1/events");
    source.onerror = function () { told = 0; show(); };
    ["status", "diagnosis"].forEach(function (name) {
      source.addEventListener(name, function (event) { told = Date.now(); take(event.data); });
    });
  }

  function poll() {
    polled = Date.now();
    fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(4000) }).then(function (reply) {
      if (!reply.ok) throw new Error(reply.status);
      return reply.text();
    }).then(take).catch(show);
  }

  function show() {
    var now = Date.now(), is = now - told < QUIET ? "live" : now - heard < QUIET ? "asking" : "waiting";
    var text = { live: "live", asking: "reconnecting; asked every 5 s", waiting: "reconnecting" }[is];
    if (live.textContent !== text) live.textContent = text;
    live.dataset.is = is;
    if ((old.hidden = now - heard < QUIET)) return;
    text = "The agent does not answer. What stands here is as of " + new Date(heard).toLocaleTimeString() + ".";
    if (old.textContent !== text) old.textContent = text;
  }

  // A stream may break without a word, and one that was refused is not tried again by the browser.
  function watch() {
    var now = Date.now();
    if (now - told > QUIET) {
      if (now - polled >= POLL) poll();
      if (source && now - opened > AGAIN) { source.close(); source = null; }
      if (!source) listen();
    }
    show();
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-do]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    var wish = button.dataset.do === "stop" ? { method: "DELETE" } : {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ quick: button.dataset.do === "quick" })
    };
    fetch("api/v1/diagnose", wish).then(function (reply) { return reply.ok ? "" : reply.text(); }, function () {
      return "The agent does not answer.";
    }).then(function (text) {
      refused.textContent = text;
      refused.hidden = !text;
      if (Date.now() - told > QUIET) poll();
    });
  });

  document.documentElement.classList.add("js");
  live.hidden = false;
  listen();
  setInterval(watch, 1000);
  document.addEventListener("visibilitychange", watch);
})();
