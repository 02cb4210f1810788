/* SPDX-License-Identifier: Apache-2.0 */
/* acl.h - a hub's access list, made ready to judge frames.
 *
 * Rules are asked in the order of their priority (ties: the older id), the first that matches
 * decides, and what none matches passes. An acl is immutable but for its counters: a change makes
 * a new one, and the old one is freed when no worker can hold it any more (core/base/quiesce.h).
 *
 * How it is made for thousands of rules:
 *   - What a frame shows to rules is one key of 64 bytes (addresses, MACs, ports, protocol, kind,
 *     numbers of users), and bits that no rule looks at are zero in it.
 *   - A table of keys judged before (acl_cache, one for each worker) answers for most frames. It
 *     has a fixed size and a secret hash, and an entry is good for one acl, by its serial.
 *   - For others, each byte of the key that some rule restricts has a table of 256 bit vectors, one
 *     bit for each rule: the rules that a byte of this value does not rule out. The vectors of all
 *     bytes of a key are ANDed, 64 rules a word, and what is left in the order of its bits is
 *     asked exactly. The tables may let a rule through that does not match (ranges of ports, sets,
 *     names), never the other way round; so the exact question alone decides.
 *
 * What rules see. Ports and TCP state belong to TCP and UDP; a later fragment of a packet has none,
 * so that no rule with ports or a TCP state matches it: a rule that discards a port stops the first
 * fragment, without which the others are useless; a rule that passes a port lets no fragments but
 * the first through. Fragments so small that a later one could rewrite what the first one said
 * (RFC 3128) are discarded wherever a rule looks at ports or states. A super-frame is judged as
 * its segments would be: they share all that rules see. ARP is not seen by any rule, unless
 * packet.on_arp: then as an IPv4 packet between its two protocol addresses.
 *
 * A rule that names a receiving user cannot be answered before the receiver is known: ACL_UNDECIDED
 * means that such a rule was met, would match else, and nothing before it matched.
 */
#pragma once

#include "core/hub/acl/acl_names.h"
#include "core/hub/acl/acl_rule.h"
#include "core/net/flow.h"

#include <stdbool.h>
#include <stdint.h>

struct acl;
struct acl_cache;

struct acl_config {
    const struct acl_rule *rules; /* checked ones; borrowed */
    unsigned n;                   /* up to ACL_RULES_MAX */
    const GPtrArray *sets;        /* of struct acl_set; borrowed, may be NULL */
    struct acl_names *names;      /* the hub's */
    uint32_t serial;              /* never 0; another one for each acl of a hub */
    bool no_shaping;              /* no_delay_jitter_packet_loss */
};

/* Control thread: takes up to a second for the largest lists. A rule whose set is not there matches
 * nothing. NULL when no rule is active: then nothing need be asked. */
struct acl *acl_compile(const struct acl_config *config);
void acl_free(struct acl *a);
uint32_t acl_serial(const struct acl *a);
unsigned acl_count(const struct acl *a);
/* Bytes that it takes. */
size_t acl_size(const struct acl *a);
/* Whether some rule names a receiving user: else no verdict is ever ACL_UNDECIDED. */
bool acl_names_receivers(const struct acl *a);

/* Who has a session. Zeroes: nobody whom a rule could name. */
struct acl_identity {
    uint32_t user, group;
};

/* What is to be judged. flow is what flow_parse() made of the frame; a frame whose headers it
 * refuses must not be passed on where rules hold. */
struct acl_packet {
    const uint8_t *frame;
    size_t len;
    const struct flow *flow;
    struct acl_identity from;
    struct acl_identity to; /* when to_known */
    bool to_known;
    bool on_arp; /* ApplyIPv4AccessListOnArpPacket: rules see ARP */
};

enum acl_say { ACL_PASS, ACL_DISCARD, ACL_UNDECIDED };

/* What happens to a frame that passes; NULL in a verdict: nothing. Lives as long as the acl. */
struct acl_action {
    uint32_t rule_id;
    uint16_t delay_ms;
    uint8_t jitter_percent, loss_percent;
    const char *redirect_url; /* NULL: none */
};

enum { ACL_NO_RULE = UINT32_MAX };
struct acl_verdict {
    enum acl_say say;
    uint32_t rule; /* which rule of the acl said it, or ACL_NO_RULE */
    const struct acl_action *action;
};

/* cache may be NULL. The worker of the cache. Does not count hits. */
struct acl_verdict
acl_judge(const struct acl *a, struct acl_cache *cache, const struct acl_packet *p);

/* The frames that a rule decided. Any thread; rule may be ACL_NO_RULE. */
void acl_hit(const struct acl *a, uint32_t rule, uint64_t n);
uint32_t acl_rule_id(const struct acl *a, uint32_t rule);
uint64_t acl_hits(const struct acl *a, uint32_t rule);
/* By the rule's id; 0 when it is not in it. */
uint64_t acl_hits_of_id(const struct acl *a, uint32_t id);
/* Adds what a former one counted, by the ids of rules. */
void acl_inherit_hits(const struct acl *a, const struct acl *former);

/* ---- what was judged before ---- */

enum { ACL_CACHE_WAYS = 4, ACL_CACHE_SETS = 2048 };

/* 640 KiB. The secret is random: nobody may know which keys share a place. */
struct acl_cache *acl_cache_new(const uint64_t secret[4]);
void acl_cache_free(struct acl_cache *c); /* NULL is fine */

struct acl_cache_stats {
    uint64_t hits, misses;
};
struct acl_cache_stats acl_cache_get_stats(const struct acl_cache *c);
