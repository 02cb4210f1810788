/* SPDX-License-Identifier: Apache-2.0 */
/* hub_access.c - the access rules of a hub: how they come into force, and how frames are held
 * against them. See hub_access.h and hub_access_priv.h.
 */

#include "core/hub/hub_access.h"

#include "core/hub/hub_priv.h"

#include <string.h>

/* ---- control ---- */

void
hub_access_init(struct hub_access *a, unsigned workers)
{
    a->names = acl_names_new();
    a->n_caches = workers;
}

void
hub_access_done(struct hub_access *a)
{
    acl_free(atomic_load_explicit(&a->acl, memory_order_relaxed));
    for (unsigned i = 0; a->cache && i < a->n_caches; i++)
        acl_cache_free(a->cache[i]);
    g_free(a->cache);
    g_free(a->sources);
    acl_names_unref(a->names);
}

/* From the first rules on. Pages of a worker that judges nothing are never touched. */
static void
need_caches(struct hub_access *a, const uint64_t secret[4])
{
    if (a->cache)
        return;
    memcpy(a->secret, secret, sizeof(a->secret));
    a->cache = g_new0(struct acl_cache *, a->n_caches);
    for (unsigned i = 0; i < a->n_caches; i++)
        a->cache[i] = acl_cache_new(secret);
}

static void
free_acl(void *data)
{
    acl_free(data);
}

void
hub_set_access(struct hub *hub, const struct hub_access_config *config)
{
    struct hub_access *a = &hub->access;
    struct acl *old = atomic_load_explicit(&a->acl, memory_order_relaxed);

    if (++a->serial == 0)
        a->serial = 1;
    struct acl_config c = {
        .rules = config->rules,
        .n = config->n,
        .sets = config->sets,
        .names = a->names,
        .serial = a->serial,
        .no_shaping = config->no_shaping,
    };
    struct acl *acl = acl_compile(&c);
    if (acl)
        need_caches(a, config->secret);
    if (acl && old)
        acl_inherit_hits(acl, old);
    atomic_store_explicit(&a->acl, acl, memory_order_release);
    if (old)
        quiesce_retire(worker_set_quiesce(hub->workers), free_acl, old);
}

uint64_t
hub_access_hits(struct hub *hub, uint32_t rule_id)
{
    const struct acl *acl = atomic_load_explicit(&hub->access.acl, memory_order_relaxed);

    return acl ? acl_hits_of_id(acl, rule_id) : 0;
}

struct acl_identity
hub_access_hold(struct hub *hub, const char *user, const char *group)
{
    uint32_t user_id = acl_names_hold(hub->access.names, user);
    uint32_t group_id = acl_names_hold(hub->access.names, group);

    return (struct acl_identity){user_id, group_id};
}

void
hub_access_leave(struct hub *hub, struct acl_identity who)
{
    acl_names_release(hub->access.names, who.user);
    acl_names_release(hub->access.names, who.group);
}

/* ---- from where clients may log in ---- */

void
hub_set_sources(struct hub *hub, const struct source_rule *rules, unsigned n)
{
    struct hub_access *a = &hub->access;

    g_free(a->sources);
    a->n_sources = MIN(n, SOURCE_RULES_MAX);
    a->sources = g_memdup2(rules, a->n_sources * sizeof(*rules));
    source_rules_sort(a->sources, a->n_sources);
}

bool
hub_admits(struct hub *hub, const struct ip *ip, uint32_t *rule_id)
{
    const struct source_rule *decided = NULL;
    bool admits = source_rules_admit(hub->access.sources, hub->access.n_sources, ip, &decided);

    if (rule_id)
        *rule_id = decided ? decided->id : 0;
    return admits;
}

/* ---- who has a port ---- */

/* What rules call those who are no user's. */
static const char *
name_of_kind(enum hub_port_kind kind)
{
    switch (kind) {
    case HUB_PORT_BRIDGE:
        return "Local Bridge";
    case HUB_PORT_CASCADE:
        return "Cascade";
    case HUB_PORT_NAT:
        return "SecureNAT";
    case HUB_PORT_L3SWITCH:
        return "L3SW";
    case HUB_PORT_SESSION:
        break;
    }
    return NULL;
}

struct acl_identity
hub_access_enter(struct hub *hub, const struct hub_port_config *config)
{
    return hub_access_hold(hub, config->user ? config->user : name_of_kind(config->kind),
                           config->group);
}

/* ---- a batch ---- */

struct hub_judged
hub_access_begin(struct hub_port *in)
{
    const struct hub_access *a = &in->hub->access;
    const struct acl *acl = atomic_load_explicit(&a->acl, memory_order_acquire);

    return (struct hub_judged){
        .acl = acl,
        .cache = acl ? a->cache[worker_index(in->tube.home)] : NULL,
        .in = in,
        .on_arp = hub_law_of(in->hub)->options.ApplyIPv4AccessListOnArpPacket,
        .rule = ACL_NO_RULE,
    };
}

void
hub_access_end(struct hub_judged *j)
{
    acl_hit(j->acl, j->rule, j->hits);
    j->hits = 0;
}

static enum drop
decide(struct hub_judged *j, const struct acl_packet *p, struct hub_mark *out)
{
    struct acl_verdict v = acl_judge(j->acl, j->cache, p);

    *out = (struct hub_mark){.action = v.action, .undecided = v.say == ACL_UNDECIDED};
    if (out->undecided) {
        j->n_undecided++;
        return DROP_NONE;
    }
    j->n_actions += v.action != NULL;
    if (v.rule != j->rule) {
        hub_access_end(j);
        j->rule = v.rule;
    }
    j->hits++;
    return v.say == ACL_DISCARD ? DROP_ACL : DROP_NONE;
}

enum drop
hub_access_judge(struct hub_judged *j, const struct frame *f, const struct look *look,
                 struct hub_mark *out)
{
    const struct acl_packet p = {.frame = f->data,
                                 .len = f->len,
                                 .flow = &look->flow,
                                 .from = j->in->who,
                                 .on_arp = j->on_arp};

    /* What we cannot look through could be anything to its receiver. */
    return look->broken != DROP_NONE ? look->broken : decide(j, &p, out);
}

enum drop
hub_access_judge_for(struct hub_judged *j, const struct frame *f, const struct look *look,
                     const struct hub_port *to, struct hub_mark *out)
{
    const struct acl_packet p = {.frame = f->data,
                                 .len = f->len,
                                 .flow = &look->flow,
                                 .from = j->in->who,
                                 .to = to->who,
                                 .to_known = true,
                                 .on_arp = j->on_arp};

    return decide(j, &p, out);
}
