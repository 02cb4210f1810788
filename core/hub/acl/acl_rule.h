/* SPDX-License-Identifier: Apache-2.0 */
/* acl_rule.h - one rule of a hub's access list, as an administrator writes it, and named sets of
 * addresses that rules may refer to.
 *
 * Rules are plain values, owned by whoever made them; acl.h makes something of them that frames can
 * be held against. What a rule says, and what it does not, is told in docs/access-lists.md.
 */
#pragma once

#include "core/base/addr.h"
#include "core/base/types.h"

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    ACL_RULES_MAX = 32768, /* of a hub */
    ACL_SETS_MAX = 256,    /* of a hub */
    ACL_SET_SIZE = 4096,   /* prefixes in a set */
    ACL_USER_MAX = 255,
    ACL_SET_NAME_MAX = 48,
    ACL_NOTE_MAX = 255,
    ACL_URL_MAX = 255,
    ACL_DELAY_MAX_MS = 10000,
};

/* What is asked of one of the two ends. Texts are owned, and NULL is taken as "". */
struct acl_side {
    uint8_t ip[16], mask[16]; /* of the rule's family, IPv4 in the first four; all zero: any */
    char *set;                /* "": no set; else its name, and ip and mask are zero */
    char *user;               /* of the session, or its group; "": any */
    bool check_mac;
    struct mac mac, mac_mask;
    uint16_t first_port, last_port; /* of TCP and UDP; 0 and 0: any */
};

struct acl_rule {
    uint32_t id;       /* 0: not stored yet */
    uint32_t priority; /* from 1; small ones are asked first */
    bool active, discard, is_ip6;
    struct acl_side src, dst;
    uint8_t protocol; /* of IP; 0: any */
    bool check_tcp_state, established;
    uint32_t delay_ms, jitter_percent, loss_percent; /* of what passes */
    char *redirect_url;
    char *note;
};

/* Zeroes it: inactive, of priority 0. */
void acl_rule_init(struct acl_rule *r);
/* Frees what is in it, and zeroes it. */
void acl_rule_clear(struct acl_rule *r);
void acl_rule_copy(struct acl_rule *to, const struct acl_rule *from);
/* For arrays: g_array_set_clear_func(). */
void acl_rule_clear_in_array(gpointer rule);
/* An array of struct acl_rule that frees what is in them. */
GArray *acl_rules_new(void);

/* PE_INVALID_PARAMETER and a sentence, if the rule says what cannot be. Completes a range of ports
 * of which only the first is given. */
bool acl_rule_check(struct acl_rule *r, GError **error);

bool acl_side_has_address(const struct acl_side *s);
bool acl_side_has_ports(const struct acl_side *s);
/* No word of IP, TCP or UDP in it: it is for any frame. */
bool acl_rule_is_for_all(const struct acl_rule *r);

/* A line of text for each value that is not as acl_rule_init() leaves it ("priority=10\n"), all but
 * the id; g_free. */
char *acl_rule_print(const struct acl_rule *r);
/* Out is initialised and filled. PE_INVALID_PARAMETER when it is none of those texts; names that
 * are not known are refused. Does not check the rule. */
bool acl_rule_parse(const char *text, struct acl_rule *out, GError **error) MUST_CHECK;

/* In words, for lists: "discard tcp from @office to 10.0.0.0/8 port 22"; g_free. */
char *acl_rule_say(const struct acl_rule *r);

/* The number of a contiguous mask; -1 when it has holes. */
int acl_mask_length(const uint8_t *mask, unsigned bytes);
void acl_mask_of_length(unsigned length, uint8_t *mask, unsigned bytes);

/* ---- named sets ---- */

struct acl_set {
    char *name;       /* letters, digits, '.', '-', '_'; compared without case */
    GArray *prefixes; /* of struct ip_prefix, both families */
};

struct acl_set *acl_set_new(const char *name);
void acl_set_free(struct acl_set *s); /* NULL is fine */
/* An array of struct acl_set * that frees them. */
GPtrArray *acl_sets_new(void);
/* PE_INVALID_PARAMETER. */
bool acl_set_name_check(const char *name, GError **error);
/* Adds prefixes from text, with spaces, commas or line ends between. */
bool acl_set_parse(struct acl_set *s, const char *text, GError **error);
/* With spaces between; g_free. */
char *acl_set_print(const struct acl_set *s);
/* Borrowed; NULL when there is none of that name. */
const struct acl_set *acl_sets_find(const GPtrArray *sets, const char *name);
/* A rule that names a set which is not there: PE_NOT_FOUND. sets NULL: there are none. */
bool acl_rule_check_sets(const struct acl_rule *r, const GPtrArray *sets, GError **error);
