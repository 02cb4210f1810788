/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp4.h - DHCP messages for IPv4 (RFC 2131, 2132, 3396, 3442), and the frames that carry them. */
#pragma once

#include "core/base/addr.h"
#include "core/base/drop.h"
#include "core/base/frame.h"
#include "core/base/reader.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DHCP4_SERVER_PORT = 67,
    DHCP4_CLIENT_PORT = 68,
    DHCP4_HEADER = 236,
    DHCP4_MESSAGE_MIN = 300,  /* BOOTP relays want that much */
    DHCP4_MESSAGE_MAX = 1472, /* one Ethernet packet */
    DHCP4_OPTION_MAX = 1024,  /* bytes of one option, joined from its parts */
    DHCP4_ROUTES_MAX = 64,
    DHCP4_GATEWAYS_MAX = 4,
    DHCP4_DNS_MAX = 8,
    DHCP4_DOMAIN_MAX = 253,
};

enum dhcp4_type {
    DHCP4_DISCOVER = 1,
    DHCP4_OFFER,
    DHCP4_REQUEST,
    DHCP4_DECLINE,
    DHCP4_ACK,
    DHCP4_NAK,
    DHCP4_RELEASE,
    DHCP4_INFORM
};

enum dhcp4_option {
    DHCP4_OPT_MASK = 1,
    DHCP4_OPT_ROUTER = 3,
    DHCP4_OPT_DNS = 6,
    DHCP4_OPT_HOSTNAME = 12,
    DHCP4_OPT_DOMAIN = 15,
    DHCP4_OPT_MTU = 26,
    DHCP4_OPT_ADDRESS = 50,
    DHCP4_OPT_LEASE = 51,
    DHCP4_OPT_OVERLOAD = 52,
    DHCP4_OPT_TYPE = 53,
    DHCP4_OPT_SERVER = 54,
    DHCP4_OPT_PARAMETERS = 55,
    DHCP4_OPT_MAX_SIZE = 57,
    DHCP4_OPT_T1 = 58,
    DHCP4_OPT_T2 = 59,
    DHCP4_OPT_CLIENT_ID = 61,
    DHCP4_OPT_ROUTES = 121,
};

struct dhcp4_message {
    bool reply; /* BOOTREPLY */
    uint32_t xid;
    uint16_t secs;
    bool broadcast;
    uint32_t ciaddr, yiaddr, siaddr, giaddr; /* host order */
    struct mac chaddr;
    enum dhcp4_type type;
    struct reader options;
    struct reader file, sname; /* empty unless option 52 says that they hold options */
};

/* Takes a UDP payload. DROP_SHORT, DROP_MALFORMED (not DHCP, or options that run over), or
 * DROP_NONE. */
enum drop dhcp4_parse(struct reader in, struct dhcp4_message *out) MUST_CHECK;

/* Copies an option to out, its parts joined in order (RFC 3396). Its length, -1 when it is absent,
 * or does not fit. */
int dhcp4_option(const struct dhcp4_message *m, uint8_t code, uint8_t *out, size_t cap);
/* An option that holds exactly one u32. */
bool dhcp4_option_u32(const struct dhcp4_message *m, uint8_t code, uint32_t *out);
/* Up to max addresses; how many there were. 0 also when the length is no multiple of four. */
unsigned
dhcp4_option_addresses(const struct dhcp4_message *m, uint8_t code, uint32_t *out, unsigned max);

struct dhcp4_route {
    uint32_t dst;
    uint8_t len;
    uint32_t via; /* 0: on the link */
};
/* RFC 3442. How many; 0 also when the option is malformed. */
unsigned
dhcp4_option_routes(const struct dhcp4_message *m, struct dhcp4_route out[DHCP4_ROUTES_MAX]);

/* Building: header, options one after the other, then the end, which pads to DHCP4_MESSAGE_MIN. */
void dhcp4_write_header(struct writer *w, const struct dhcp4_message *m);
void dhcp4_write_option(struct writer *w, uint8_t code, const void *bytes, size_t len);
void dhcp4_write_option_u32(struct writer *w, uint8_t code, uint32_t v);
/* What is in the options 121 and 249 (RFC 3442); each with a len up to 32. */
void dhcp4_encode_routes(struct writer *w, const struct dhcp4_route *routes, unsigned n);
/* Option 121; at most DHCP4_ROUTES_MAX of them, each with a len up to 32. */
void dhcp4_write_routes(struct writer *w, const struct dhcp4_route *routes, unsigned n);
void dhcp4_write_end(struct writer *w);

/* A frame from a client to a server with this payload. NULL when there is no buffer. Addresses in
 * host order. */
struct frame *
dhcp4_frame_build(struct frame_pool *pool, const struct mac *src, const struct mac *dst,
                  uint32_t src_ip, uint32_t dst_ip, struct reader payload);
/* Whether a frame is an answer of a server to the client with this address (or to all): *payload is
 * the UDP payload. */
bool dhcp4_frame_match(const struct frame *f, const struct mac *client, struct reader *payload);
