/*
 * What the access log keeps of a request: filled by the connection when the answer has been handed
 * to the kernel (or the client has left), formatted later by the log thread.
 */
#pragma once

#include <stdint.h>

/* Targets and methods are cut to these; a cut target is marked in the line. */
#define ACCESS_TARGET_MAX_BYTES 1024
#define ACCESS_METHOD_MAX_BYTES 16

/* No delay was drawn for the request, as with probes and refused requests. */
#define ACCESS_DELAY_NONE INT64_C(-1)

enum access_client {
    ACCESS_CLIENT_UNIX, /* no address */
    ACCESS_CLIENT_IPV4, /* the first 4 bytes of `address` */
    ACCESS_CLIENT_IPV6, /* all 16; an IPv4-mapped one is printed as IPv4 */
};

struct access_record {
    int64_t completed_realtime_ns; /* since 1970 UTC; not negative */
    int64_t delay_ns;              /* drawn, or ACCESS_DELAY_NONE */
    int64_t total_ns;              /* from the head being parsed to the last byte handed over */
    uint64_t response_bytes;       /* of the content, without the head */
    uint8_t address[16];           /* network byte order */
    uint16_t port;                 /* host byte order */
    uint16_t status;               /* 100 to 999; 499 when the client left first */
    uint16_t route;                /* index into the log's route names */
    uint16_t target_length;        /* bytes kept, at most ACCESS_TARGET_MAX_BYTES */
    uint8_t method_length;         /* at most ACCESS_METHOD_MAX_BYTES; 0 is printed as `-` */
    uint8_t client;                /* enum access_client */
    uint8_t version_minor;         /* HTTP/1.version_minor */
    uint8_t target_truncated;      /* bool: the target was longer than what is kept */
    uint32_t padding;
};

_Static_assert(sizeof(struct access_record) == 64, "one cache line, copied whole");
