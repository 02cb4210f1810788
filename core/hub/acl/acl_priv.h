/* SPDX-License-Identifier: Apache-2.0 */
/* acl_priv.h - the inside of an acl, for the files of this folder. */
#pragma once

#include "core/hub/acl/acl.h"

#include <stdatomic.h>
#include <string.h>

/* What rules see of a frame. Offsets within the key. */
enum {
    KEY_SRC_IP = 0,
    KEY_DST_IP = 16,
    KEY_SRC_MAC = 32,
    KEY_DST_MAC = 38,
    KEY_SRC_PORT = 44, /* big-endian */
    KEY_DST_PORT = 46,
    KEY_PROTOCOL = 48,
    KEY_KIND = 49,
    KEY_FROM_USER = 50, /* numbers of three bytes */
    KEY_FROM_GROUP = 53,
    KEY_TO_USER = 56,
    KEY_TO_GROUP = 59,
    KEY_TO_KNOWN = 62,
    KEY_SIZE = 64,
    KEY_WORDS = KEY_SIZE / 8,
    KEY_MASKED_WORDS = 7, /* in which a rule has masks: up to KEY_KIND */
};

struct acl_key {
    union {
        uint8_t b[KEY_SIZE];
        uint64_t w[KEY_WORDS];
    };
};

/* A frame is of one kind; a rule is for some of them. */
enum key_kind {
    KIND_OTHER, /* neither IP nor ARP */
    KIND_ARP,
    KIND_IP4, /* without ports: other protocols and later fragments */
    KIND_UDP4,
    KIND_TCP4_OPENING, /* SYN without ACK */
    KIND_TCP4,
    KIND_IP6,
    KIND_UDP6,
    KIND_TCP6_OPENING,
    KIND_TCP6,
    KIND_HEADLESS, /* a fragment that could rewrite a transport header: discarded */
    N_KINDS,
};
#define KINDS_IP4 (1u << KIND_IP4 | 1u << KIND_UDP4 | 1u << KIND_TCP4_OPENING | 1u << KIND_TCP4)
#define KINDS_IP6 (1u << KIND_IP6 | 1u << KIND_UDP6 | 1u << KIND_TCP6_OPENING | 1u << KIND_TCP6)
#define KINDS_TCP \
    (1u << KIND_TCP4_OPENING | 1u << KIND_TCP4 | 1u << KIND_TCP6_OPENING | 1u << KIND_TCP6)
#define KINDS_OPENING (1u << KIND_TCP4_OPENING | 1u << KIND_TCP6_OPENING)
#define KINDS_PORTS   (KINDS_TCP | 1u << KIND_UDP4 | 1u << KIND_UDP6)

/* A set, as ranges that neither meet nor touch, in order. */
struct ip_range {
    uint8_t first[16], last[16];
};
struct acl_ranges {
    char *name;
    unsigned n4, n6;
    struct ip_range *r4, *r6; /* one allocation each */
    struct acl_key seen;      /* bits that matter, at KEY_SRC_IP */
    uint64_t bytes[16][4];    /* for each byte of an address: the values that some range allows */
};

struct acl_port_range {
    uint16_t first, last;
};

/* A rule as it is asked. */
struct acl_match {
    uint64_t mask[KEY_MASKED_WORDS];
    uint64_t value[KEY_MASKED_WORDS];
    uint16_t kinds; /* a bit for each */
    bool discard;
    bool has_from, has_to;                    /* names a user or group */
    uint32_t from, to;                        /* held */
    struct acl_port_range src_port, dst_port; /* 0 to 65535: any */
    const struct acl_ranges *src_set, *dst_set;
};

/* A byte of the key and what its values leave: row v begins at bits + v * words. */
struct acl_dim {
    unsigned at;
    uint64_t *bits;
};

enum { ACL_DIMS_MAX = KEY_KIND + 1, ACL_BLOCK = 8 /* words of a bit vector taken together */ };

struct acl {
    uint32_t serial;
    unsigned n, words; /* words of a bit vector, a multiple of ACL_BLOCK */
    bool sees_macs, sees_ports, sees_from, sees_to;
    struct acl_key seen; /* bits that some rule looks at */
    struct acl_match *match;
    struct acl_action *action;
    uint32_t *id;
    _Atomic uint64_t *hits;
    unsigned n_dims;
    struct acl_dim dim[ACL_DIMS_MAX];
    struct acl_dim from_dim, to_dim; /* by the last byte of a number; bits NULL: no rule asks */
    struct acl_ranges *ranges;
    unsigned n_ranges;
    char **urls; /* of the actions */
    unsigned n_urls;
    struct acl_names *names;
};

/* The sets of a list, ready to be asked. */
void acl_ranges_make(struct acl_ranges *r, const struct acl_set *set);
void acl_ranges_done(struct acl_ranges *r);
bool acl_ranges_have(const struct acl_ranges *r, const uint8_t ip[16], bool is_ip6);

/* The tables of bit vectors, from match and n. */
void acl_index_make(struct acl *a);
void acl_index_done(struct acl *a);
size_t acl_index_size(const struct acl *a);

/* What rules see of a packet. */
void acl_key_make(const struct acl *a, const struct acl_packet *p, struct acl_key *out);
/* Without tables and cache: the index of the rule, ACL_NO_RULE; *undecided. */
uint32_t acl_walk(const struct acl *a, const struct acl_key *k, bool *undecided);

static inline uint32_t
key_number(const struct acl_key *k, unsigned at)
{
    return (uint32_t)k->b[at] << 16 | (uint32_t)k->b[at + 1] << 8 | k->b[at + 2];
}

static inline uint16_t
key_port(const struct acl_key *k, unsigned at)
{
    return (uint16_t)(k->b[at] << 8 | k->b[at + 1]);
}
