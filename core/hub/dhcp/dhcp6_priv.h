/* SPDX-License-Identifier: Apache-2.0 */
/* dhcp6_priv.h - one message to the DHCPv6 server, and how its answer is written. For the server
 * alone.
 */
#pragma once

#include "core/hub/dhcp/bindings.h"
#include "core/hub/dhcp/dhcp6_server.h"
#include "core/net/dhcp6.h"

#include <stdbool.h>
#include <stdint.h>

enum { DHCP6_DUID_LL = 10 };

struct dhcp6_server {
    struct dhcp6_server_config config;
    const struct dhcp6_server_ops *ops;
    void *owner;
    struct bindings *t;
    uint8_t duid[DHCP6_DUID_LL];
    struct dhcp_counters counters;
};

/* One message and its answer. */
struct dhcp6_exchange {
    struct dhcp6_server *s;
    struct dhcp6_message m;
    struct reader client_id; /* left 0: none */
    bool has_server_id, is_for_us;
    const struct mac *from;
    int64_t now_us, wall_ms;
    struct writer w;
    unsigned n_ia; /* in the answer */
};

/* Header and identifiers. */
void dhcp6_begin_answer(struct dhcp6_exchange *x, uint8_t type);
/* On the level of the message, or of the option that was begun last. */
void dhcp6_put_status(struct dhcp6_exchange *x, uint16_t status);
/* An association with a status alone; code: DHCP6_OPT_IA_NA or _PD. */
void dhcp6_put_ia_status(struct dhcp6_exchange *x, uint16_t code, uint32_t iaid, uint16_t status);
/* The association with the address of b, and the others that a client that renews named as over
 * (18.3.4); b NULL: only these. */
void dhcp6_put_ia(struct dhcp6_exchange *x, const struct dhcp6_ia *ia, const struct binding *b);
/* What of the configuration the client asked for. */
void dhcp6_put_configured(struct dhcp6_exchange *x);
/* The next address in the options of an association. */
bool dhcp6_next_address(struct reader *options, struct dhcp6_address *out);
