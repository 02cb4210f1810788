/* SPDX-License-Identifier: Apache-2.0 */
/* hub_access.h - the access rules of a hub, from control's side. core/hub/acl tells what they mean,
 * hub_forward.c where they are asked.
 */
#pragma once

#include "core/hub/acl/acl.h"
#include "core/hub/acl/source_list.h"
#include "core/hub/hub.h"

#include <stdint.h>

struct hub_access_config {
    const struct acl_rule *rules; /* checked ones; borrowed, as all here */
    unsigned n;
    const GPtrArray *sets; /* of struct acl_set; may be NULL */
    bool no_shaping;       /* no_delay_jitter_packet_loss */
    uint64_t secret[4];    /* random */
};

/* Control. From the next turn of each worker on, for sessions that are there as well. What rules of
 * the same ids have counted so far is kept. */
void hub_set_access(struct hub *hub, const struct hub_access_config *config);

/* Control. How often the rule of this id decided, since it was made. */
uint64_t hub_access_hits(struct hub *hub, uint32_t rule_id);

/* A packet to be tried. Names may be NULL: nobody that a rule could name. */
struct hub_access_try {
    struct ip src, dst;
    struct mac src_mac, dst_mac;
    uint8_t protocol;
    uint16_t sport, dport; /* of TCP and UDP */
    bool established;      /* TCP: not the first packet of a connection */
    const char *user, *group;
    const char *to_user, *to_group;
    bool to_known;
};
struct hub_access_answer {
    enum acl_say say;
    uint32_t rule_id; /* 0: none */
};
/* Control. Counts nothing. PE_INVALID_PARAMETER when there is no such packet. */
bool hub_try_access(struct hub *hub, const struct hub_access_try *what,
                    struct hub_access_answer *out, GError **error);

/* ---- from where clients may log in ---- */

/* Control. Copied. Whoever is there stays. */
void hub_set_sources(struct hub *hub, const struct source_rule *rules, unsigned n);
/* Control. *rule_id: what decided, 0 for none; may be NULL. */
bool hub_admits(struct hub *hub, const struct ip *ip, uint32_t *rule_id);
