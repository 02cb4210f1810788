/* SPDX-License-Identifier: Apache-2.0 */
/* redirect.h - answers a TCP connection in the place of its server, with an HTTP 302.
 *
 * Keeps no state: the first sequence number is a keyed digest of the connection's addresses and
 * ports, so that a segment tells by its acknowledgement how far the connection is. Any request gets
 * the same answer, which ends the connection; lost answers come again when the client asks again.
 * A connection that began before the rule did is reset.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/frame.h"
#include "core/base/types.h"
#include "core/net/flow.h"

#include <stddef.h>
#include <stdint.h>

enum {
    REDIRECT_KEY_LEN = 32,
    REDIRECT_URL_MAX = 900,    /* after the tag was replaced */
    REDIRECT_ANSWER_MAX = 1152 /* fits into any packet of IPv6 */
};

/* Of whom <INFO> in a URL tells. */
struct redirect_who {
    const char *user;
    const char *session;
    struct ip client; /* where the session comes from */
    int64_t wall_ms;
};

/* Writes the URL for this session. For <INFO> stands USER|SESSION|ADDRESS|YYYYMMDDHHMMSS, in
 * UTC. What follows the last '|' of the URL is a secret and not shown: with one, the information
 * ends in |SHA-1 of what precedes it, its '|' and the secret, in hexadecimal digits, as scripts for
 * such URLs expect. Bytes that may not stand in a URL are written with per cent signs. False: it
 * became too long. */
bool redirect_url(const char *url, const struct redirect_who *who,
                  char out[REDIRECT_URL_MAX + 1]) MUST_CHECK;

/* The answer to a frame of the client, to be given back to where it came from; NULL when there is
 * none: to what is no TCP segment of its own, to a reset, from or to a group of hosts, and when
 * there is no buffer. flow is that of the frame; the frame stays the caller's. VLAN tags are those
 * of the frame. location may be NULL: then only what needs none is answered. */
struct frame *
redirect_answer(const uint8_t key[REDIRECT_KEY_LEN], const struct frame *f, const struct flow *flow,
                const char *location, struct frame_pool *pool);
/* Whether redirect_answer() would look at location. */
bool redirect_needs_url(const uint8_t key[REDIRECT_KEY_LEN], const struct frame *f,
                        const struct flow *flow);
