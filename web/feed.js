// The stream of events, and what becomes of it: live, draining, lost, and back again.

const SILENT_MS = 4000; // without an event the connection counts as lost
const AGAIN_MS = 1000;

// `onSecond(id, second)` for each event; `onState(state)`: "live", "draining" or "lost".
export function follow(url, onSecond, onState) {
  let source = null;
  let alarm = null;
  let draining = false;

  function listen() {
    clearTimeout(alarm);
    alarm = setTimeout(lost, SILENT_MS);
  }

  function lost() {
    onState(draining ? "draining" : "lost");
    source.close();
    clearTimeout(alarm);
    alarm = setTimeout(connect, AGAIN_MS);
  }

  function connect() {
    source?.close();
    source = new EventSource(url);
    source.onmessage = (event) => {
      listen();
      draining = false;
      onState("live");
      onSecond(event.lastEventId, JSON.parse(event.data));
    };
    source.addEventListener("draining", () => {
      draining = true;
      lost();
    });
    source.onerror = lost;
    listen();
  }

  connect();
}
