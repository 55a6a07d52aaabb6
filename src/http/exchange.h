/*
 * An exchange: one request being answered, from its head being parsed to the last byte of the
 * answer being handed to the kernel; and the interface between the HTTP engine, which owns
 * connections and exchanges, and the application, which says what the answers are.
 *
 * All of it belongs to one worker's thread.
 */
#pragma once

#include "base/buffer.h"
#include "base/span.h"
#include "http/access_record.h"
#include "http/request.h"
#include "net/address.h"

#include <stdint.h>
#include <sys/types.h>

/* Where a connection came in; listeners and routes have sets of them. */
enum surface {
    SURFACE_PUBLIC = 1,
    SURFACE_ADMIN = 2,
};

/* What a content source is told about the moment, and may answer besides bytes. */
struct content_pace {
    int64_t now_ns;    /* monotonic */
    bool draining;     /* the server has been told to end: content without an end must end now */
    struct span kept;  /* the exchange's, where it is now; empty unless the source uses it */
    int64_t resume_ns; /* monotonic; set by pull() with -EAGAIN: not to be asked before */
    bool enough;       /* set by pull(): it took long; to be asked on in the loop's next turn */
};

/*
 * Content that is made while it is sent. `pull` fills `memory` and returns the bytes written, 0 at
 * the end (unless it says `enough`), or a negative errno: then the connection is cut, so that the
 * client sees that the content is not whole. `close` is called once, whatever happened; `whole`
 * tells whether the last byte was handed to the kernel. Content that fits next to its head is whole
 * as soon as it is pulled, and that of HEAD at once.
 *
 * Two errors mean something of their own. -EAGAIN: there is nothing now; the connection then waits
 * until `pace->resume_ns` and holds no buffer meanwhile. It may be asked earlier: when draining
 * starts. -ECONNRESET: the connection is to be reset here, on purpose; the exchange ends with
 * STATUS_RESET.
 */
struct content_source {
    ssize_t (*pull)(void *context, char *memory, size_t capacity, struct content_pace *pace);
    void (*close)(void *context, bool whole);
    void *context;
    uint64_t length; /* all that it will give, exactly, for Content-Length; 0: not known */
    bool uses_kept;  /* pull() is given exchange->kept, which respond() may have set anew */
};

/* Where an answer is cut by a reset of its connection, on purpose: see response_reset(). */
enum response_cut {
    RESPONSE_WHOLE,
    RESPONSE_CUT_BEFORE,  /* before its first byte */
    RESPONSE_CUT_HEAD,    /* in the middle of its head */
    RESPONSE_CUT_CONTENT, /* behind its head, in the middle of its content */
};

struct exchange {
    int64_t started_ns;      /* monotonic: the head was parsed */
    int64_t delay_ns;        /* drawn by the application; ACCESS_DELAY_NONE where there is none */
    int64_t waited_ns;       /* from started_ns to the answer being due; 0 without a delay */
    uint64_t ordinal;        /* the application's: which draw this was */
    uint64_t content_bytes;  /* of the response, as far as handed to the kernel */
    struct span method_name; /* as sent, cut to what the log keeps */
    struct span target;      /* as sent, cut to what the log keeps */
    struct span traceparent; /* as sent, if it is valid; set by begin() */
    struct span kept;        /* what the application's begin() kept for respond() */
    struct content_source source; /* set by respond() when the content is made while it is sent */
    struct peer_address client;   /* the peer; begin() may name the client behind a proxy instead */
    uint32_t flushed_offset;      /* the engine's: where the answer ends in the output */
    uint16_t status;
    uint8_t route;         /* the application's */
    uint8_t method;        /* enum method */
    uint8_t minor_version; /* of the request */
    uint8_t surface;       /* enum surface */
    bool keep_alive;       /* the connection goes on behind this answer */
    bool refused; /* answered by the engine, or by the application before a route took it */
    bool target_truncated;
    bool drew;          /* the application's: `ordinal` is that of a draw */
    bool shaped;        /* the application's: `kept` begins with what is done to the answer */
    uint8_t rule;       /* the application's: what the truth counts it for */
    uint8_t cut;        /* enum response_cut; set by response_reset() */
    bool body_cut;      /* the body had more bytes than body_room */
    uint32_t body_room; /* set by begin(): so many bytes of the body are to come behind `kept` */
};

/* What an application gets to know when an exchange is over. */
struct completion {
    const struct exchange *exchange;
    int64_t
        completed_ns; /* monotonic: the last byte was handed to the kernel, or the client left */
    int64_t completed_realtime_ns;
};

struct response;

struct application {
    void *context; /* the worker's own */

    /*
     * A request's head has been accepted. Sets status, route, refused and delay_ns, and appends to
     * `keep` what respond() needs of the request, which is gone by then. With body_room the body's
     * first bytes are appended behind that; there must be room for them in `keep`.
     */
    void (*begin)(void *context, struct exchange *exchange, const struct request *request,
                  struct buffer *keep);

    /* The delay and the body are over: writes the response. */
    void (*respond)(void *context, struct exchange *exchange, struct response *response);

    /*
     * The last byte was handed to the kernel, or the status is 499 (the client left) or 444 (reset
     * on purpose). Refused requests come too.
     */
    void (*complete)(void *context, const struct completion *completion);
};
