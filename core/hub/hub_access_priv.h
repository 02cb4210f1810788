/* SPDX-License-Identifier: Apache-2.0 */
/* hub_access_priv.h - access rules as the files of a hub see them (hub_access.c).
 *
 * On the way in, before a frame is learned, it is judged without its receiver (hub_access_judge).
 * If that is not enough, it is judged again when the receiver has been looked up
 * (hub_access_judge_for), or, if it goes to all, for each of them (hub_access_flood).
 */
#pragma once

#include "core/base/batch.h"
#include "core/hub/acl/acl.h"
#include "core/hub/acl/source_list.h"
#include "core/hub/look.h"

#include <stdatomic.h>

struct hub;
struct hub_port;
struct hub_port_config;
struct hub_ports;

struct hub_access {
    _Atomic(struct acl *) acl; /* NULL: no rules are in force */
    struct acl_names *names;
    struct acl_cache **cache; /* one for each worker, its own; NULL: there never were rules */
    unsigned n_caches;
    uint64_t secret[4]; /* constant once there are rules */
    uint32_t serial;    /* control, as what follows */
    struct source_rule *sources;
    unsigned n_sources;
};

void hub_access_init(struct hub_access *a, unsigned workers);
void hub_access_done(struct hub_access *a);

/* Holds the names that rules may call the port by. Any thread. */
struct acl_identity hub_access_enter(struct hub *hub, const struct hub_port_config *config);
struct acl_identity hub_access_hold(struct hub *hub, const char *user, const char *group);
void hub_access_leave(struct hub *hub, struct acl_identity who);

/* A batch before the rules: valid within this turn. */
struct hub_judged {
    const struct acl *acl; /* NULL: none */
    struct acl_cache *cache;
    struct hub_port *in;
    bool on_arp;
    unsigned n_undecided; /* frames that need their receiver */
    unsigned n_actions;   /* frames to which a rule does something */
    /* Frames that one rule decides come in runs: one addition for each run. */
    uint32_t rule;
    uint64_t hits;
};
/* What became of a frame. */
struct hub_mark {
    const struct acl_action *action; /* of a frame that passes; NULL: nothing special */
    bool undecided;
};

struct hub_judged hub_access_begin(struct hub_port *in);
/* Counts what is not counted yet. */
void hub_access_end(struct hub_judged *j);

/* DROP_ACL when a rule discards it; what the look says when its headers are broken. */
enum drop hub_access_judge(struct hub_judged *j, const struct frame *f, const struct look *look,
                           struct hub_mark *out) MUST_CHECK;
/* For one receiver. Never leaves it undecided. */
enum drop hub_access_judge_for(struct hub_judged *j, const struct frame *f, const struct look *look,
                               const struct hub_port *to, struct hub_mark *out) MUST_CHECK;
