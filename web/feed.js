// The stream of events, and what becomes of it: live, draining, refused, lost, and back again.

const SILENT_MS = 4000; // without an event the connection counts as lost
const AGAIN_MS = 1000;

// `onSecond(id, second)` for each event; `onState(state)`: "live", "draining", "refused" or "lost".
export function follow(url, onSecond, onState) {
  let source = null;
  let alarm = null;
  let draining = false;

  function listen() {
    clearTimeout(alarm);
    alarm = setTimeout(lost, SILENT_MS);
  }

  function again(state) {
    onState(state);
    source.close();
    clearTimeout(alarm);
    alarm = setTimeout(connect, AGAIN_MS);
  }

  function lost() {
    draining = false;
    again("lost");
  }

  function connect() {
    source = new EventSource(url);
    source.onmessage = (event) => {
      listen();
      draining = false;
      onState("live");
      onSecond(event.lastEventId, JSON.parse(event.data));
    };
    source.addEventListener("draining", () => {
      draining = true;
      again("draining");
    });
    source.onerror = () => {
      // An answer that is no stream closes it; without an answer it would go on by itself.
      if (source.readyState === EventSource.CLOSED) {
        again(draining ? "draining" : "refused");
      } else {
        lost();
      }
    };
    listen();
  }

  connect();
}
