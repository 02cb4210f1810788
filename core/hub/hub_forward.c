/* SPDX-License-Identifier: Apache-2.0 */
/* hub_forward.c - from one port's batch to the ports it goes to. The hot path of the server.
 *
 * Runs on the worker that owns the ingress port and takes no lock, but for addresses that are new
 * or moved. Passes over the batch, so that code and tables of each stay in the cache: all frames
 * are judged; where somebody needs it, looked through and held against the hub's law; then learned;
 * then looked up. The price: a frame is forwarded by the table as it is after the whole batch was
 * learned, which differs from one-by-one only while an address moves. Then one batch for each port
 * that gets something, in which the frames keep their order (hub_flood.c tells the exception).
 *
 * What the law refuses is not learned. Where nobody needs a look, a batch pays one branch for it.
 *
 * What cannot be learned: a port that has as many addresses as it may have, or that shows new ones
 * faster than HUB_LEARN_PPS (a loop, a scan), loses the frame (DROP_FDB_FULL). When the table of
 * the hub is full the frame passes, as in any switch, and answers to it are flooded.
 */

#include "core/hub/hub_priv.h"
#include "core/hub/look.h"
#include "core/net/eth.h"

#include <string.h>

#define MAC_BITS      0xffffffffffffu
#define MAC_GROUP_BIT (1ull << 40)

/* IEEE 802.1Q, table 8-1, lets no bridge forward 01:80:c2:00:00:0x. A transparent VPN forwards
 * spanning tree (so that the switches at both ends see a loop through it) and what belongs to
 * stations (802.1X, LLDP), but never flow control and link aggregation, which are the business of
 * one cable. */
#define MAC_PAUSE 0x0180c2000001u
#define MAC_LACP  0x0180c2000002u

struct pass {
    struct hub *hub;
    struct hub_port *in;
    const struct hub_ports *list; /* valid within this turn of the worker */
    const struct hub_tap *tap;    /* likewise; NULL: none */
    const struct hub_law *law;    /* likewise */
    int64_t now_us;
    uint32_t now_s, ageing_s;
    uint64_t learned; /* the last source, which is most often the next one, too */
    struct hub_traffic sum;
    unsigned dropped[DROP_N_REASONS];
    unsigned n_all;
    struct hub_judged rules;
    bool looks;              /* somebody needs look[] */
    bool judges;             /* the law does */
    uint64_t dst[BATCH_MAX]; /* keys */
    uint64_t src[BATCH_MAX];
    uint16_t to[BATCH_MAX];          /* a slot, HUB_TO_ALL, HUB_TO_NOBODY */
    struct look look[BATCH_MAX];     /* not set unless looks */
    struct hub_mark mark[BATCH_MAX]; /* not set unless there are rules */
};

static void
drop(struct pass *p, struct frame *f, enum drop why)
{
    p->dropped[why]++;
    frame_free(f);
}

static bool
reads_head(const struct hub_law *law, const struct frame *f, uint64_t *dst, uint64_t *src)
{
    struct reader r = reader_of(f->data, f->len);
    const uint8_t *d = reader_take(&r, 6);
    const uint8_t *s = reader_take(&r, 6);
    uint16_t vlan = 0;
    if (reader_u16(&r) == law->options.VlanTypeId) {
        uint16_t tci = reader_u16(&r);
        vlan = law->options.NoManageVlanId ? 0 : tci;
        (void)reader_u16(&r); /* the type that the tag stands before */
    }
    if (!reader_ok(&r))
        return false;
    *dst = fdb_key(d, vlan);
    *src = fdb_key(s, vlan);
    return true;
}

static enum drop
learn(struct pass *p, uint64_t src)
{
    struct fdb *fdb = p->hub->fdb;
    if (src == p->learned)
        return DROP_NONE;
    if (!fdb_refresh(fdb, src, p->in->id, p->now_s)) {
        enum fdb_verdict verdict = fdb_may_learn(fdb, p->in->id, p->now_s);
        if (verdict == FDB_LEARNED) {
            if (!rate_take(&p->in->learn, 1, p->now_us))
                return DROP_FDB_FULL;
            verdict = fdb_learn(fdb, src, p->in->id, p->now_s, p->ageing_s);
        }
        if (verdict == FDB_PORT_FULL) {
            if (p->in->gate && p->in->gate->max_mac_item)
                (void)gate_refuse(p->in->gate, p->in->gate->max_mac_item);
            return DROP_FDB_FULL;
        }
        if (verdict == FDB_TABLE_FULL) {
            atomic_fetch_add_explicit(&p->hub->fdb_full_n, 1, memory_order_relaxed);
            return DROP_NONE;
        }
    }
    p->learned = src;
    return DROP_NONE;
}

static enum drop
judge(struct pass *p, uint64_t dst, uint64_t src, unsigned frames)
{
    struct hub_port *in = p->in;
    uint64_t to = dst & MAC_BITS;
    if (in->monitor)
        return DROP_POLICY;
    if ((src & MAC_GROUP_BIT) || (src & MAC_BITS) == 0)
        return DROP_BAD_SOURCE;
    if (to & MAC_GROUP_BIT) {
        if (to == MAC_PAUSE || to == MAC_LACP)
            return DROP_RESERVED;
        if (in->storm_limit && !rate_take(&in->storm, frames, p->now_us))
            return DROP_STORM;
    }
    return DROP_NONE;
}

/* What is left of the batch is at [kept] then, with its keys and its look. */
static void
keep(struct pass *p, struct batch *b, unsigned i, unsigned kept)
{
    p->dst[kept] = p->dst[i];
    p->src[kept] = p->src[i];
    if (p->looks && kept != i)
        p->look[kept] = p->look[i];
    if (p->rules.acl)
        p->mark[kept] = p->mark[i];
    b->frame[kept] = b->frame[i];
}

static void
judge_all(struct pass *p, struct batch *b)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        struct frame *f = b->frame[i];
        if (i + 4 < b->n)
            __builtin_prefetch(b->frame[i + 4]->data);
        uint64_t dst = 0;
        uint64_t src = 0;
        struct hub_shape shape = {.frames = 1};
        enum drop why = reads_head(p->law, f, &dst, &src) ? DROP_NONE : DROP_SHORT;
        if (why == DROP_NONE && frame_is_super(f))
            why = hub_shape_of(f, &shape);
        hub_tally(&p->sum, f, shape.frames);
        if (why == DROP_NONE)
            why = judge(p, dst, src, shape.frames);
        if (why != DROP_NONE) {
            drop(p, f, why);
            continue;
        }
        p->dst[kept] = dst;
        p->src[kept] = src;
        b->frame[kept++] = f;
    }
    b->n = kept;
}

/* ---- the law ---- */

static bool
needs_looks(const struct pass *p)
{
    return p->judges || p->tap != NULL || p->rules.acl != NULL;
}

static void
look_through(struct pass *p, const struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        struct look *look = &p->look[i];
        look->broken = flow_of_frame(b->frame[i], &look->flow);
        if (look->broken != DROP_NONE)
            look->flow = (struct flow){0};
        look->kinds = look->broken == DROP_NONE ? kinds_of(b->frame[i], &look->flow) : 0;
    }
}

static void
judge_by_law(struct pass *p, struct batch *b)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        enum drop why = DROP_NONE;
        struct frame *f = hub_law_in(p->in, p->law, b->frame[i], &p->look[i], p->now_us, &why);
        if (!f) {
            p->dropped[why]++;
            continue;
        }
        b->frame[i] = f;
        if (p->in->gate && p->in->gate->vlan != 0) /* it has a tag now */
            (void)reads_head(p->law, f, &p->dst[i], &p->src[i]);
        keep(p, b, i, kept++);
    }
    b->n = kept;
}

/* An address that is another port's, which CheckMac does not allow. */
static bool
is_elsewhere(const struct pass *p, uint64_t src)
{
    if (src == p->learned)
        return false;
    fdb_port_id id = fdb_lookup(p->hub->fdb, src, p->now_s, p->ageing_s);
    return id != p->in->id && hub_ports_at(p->list, id) != NULL;
}

/* Whether the port may use the addresses that a frame says it comes from; learned if so. */
static enum drop
take_source(struct pass *p, const struct frame *f, uint64_t src)
{
    struct hub_port *in = p->in;
    if (in->gate && in->gate->check_mac && is_elsewhere(p, src))
        return gate_refuse(in->gate, POLICY_CheckMac);
    if (in->watch) {
        enum drop why = hub_law_source(in, p->law, f, src, p->now_us);
        if (why != DROP_NONE)
            return why;
    }
    return learn(p, src);
}

static void
judge_by_rules(struct pass *p, struct batch *b)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        enum drop why = hub_access_judge(&p->rules, b->frame[i], &p->look[i], &p->mark[i]);
        if (why != DROP_NONE)
            drop(p, b->frame[i], why);
        else
            keep(p, b, i, kept++);
    }
    b->n = kept;
}

static void
learn_all(struct pass *p, struct batch *b)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        enum drop why = take_source(p, b->frame[i], p->src[i]);
        if (why != DROP_NONE)
            drop(p, b->frame[i], why);
        else
            keep(p, b, i, kept++);
    }
    b->n = kept;
}

static enum drop
choose(struct pass *p, uint64_t dst, uint16_t *to)
{
    *to = HUB_TO_ALL;
    if (dst & MAC_GROUP_BIT)
        return DROP_NONE;
    const struct hub_port *out =
        hub_ports_at(p->list, fdb_lookup(p->hub->fdb, dst, p->now_s, p->ageing_s));
    if (!out)
        return DROP_NONE;
    if (out == p->in)
        return DROP_HAIRPIN;
    *to = (uint16_t)fdb_port_index(out->id);
    if (out->isolated && p->in->isolated)
        return DROP_ISOLATION;
    return DROP_NONE;
}

/* A frame between isolated ports that the hub's options let through all the same. */
static bool
is_exception(const struct pass *p, enum drop why, uint16_t to, const struct frame *f)
{
    return why == DROP_ISOLATION && hub_law_has_exceptions(p->law) &&
           hub_may_talk(p->law, p->in, p->list->slot[to].port, f);
}

static void
look_up(struct pass *p, struct batch *b)
{
    uint64_t last = 0; /* the key of a unicast address is never 0 */
    uint16_t last_to = HUB_TO_NOBODY;
    enum drop last_why = DROP_NONE;
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        if (p->dst[i] != last || i == 0) {
            last = p->dst[i];
            last_why = choose(p, last, &last_to);
        }
        if (last_why != DROP_NONE && !is_exception(p, last_why, last_to, b->frame[i])) {
            drop(p, b->frame[i], last_why);
            continue;
        }
        p->n_all += last_to == HUB_TO_ALL;
        keep(p, b, i, kept);
        p->to[kept++] = last_to;
    }
    b->n = kept;
}

/* Frames whose verdict needed their one receiver, which is known now. */
static void
judge_by_receiver(struct pass *p, struct batch *b)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        enum drop why = DROP_NONE;
        if (p->mark[i].undecided && p->to[i] != HUB_TO_ALL)
            why = hub_access_judge_for(&p->rules, b->frame[i], &p->look[i],
                                       p->list->slot[p->to[i]].port, &p->mark[i]);
        if (why != DROP_NONE) {
            drop(p, b->frame[i], why);
            continue;
        }
        keep(p, b, i, kept);
        p->to[kept++] = p->to[i];
    }
    b->n = kept;
}

/* Takes out what rules let pass, but not as it is. */
static void
impair_all(struct pass *p, struct batch *b, struct batch *answers)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        const struct acl_action *action = p->mark[i].action;
        if (!action || p->mark[i].undecided || !hub_impairs(action, &p->look[i].flow)) {
            keep(p, b, i, kept);
            p->to[kept++] = p->to[i];
            continue;
        }
        p->n_all -= p->to[i] == HUB_TO_ALL;
        enum drop why =
            hub_impair(p->in, action, b->frame[i], &p->look[i].flow, p->now_us, answers);
        if (why != DROP_NONE)
            p->dropped[why]++;
    }
    b->n = kept;
}

/* Before anything is sent: a sent frame is somebody else's. */
static void
show(const struct pass *p, const struct batch *b)
{
    struct hub_sight sights[BATCH_MAX];
    for (unsigned i = 0; i < b->n; i++) {
        const struct hub_port *to = p->to[i] < HUB_TO_ALL ? p->list->slot[p->to[i]].port : NULL;
        sights[i] = (struct hub_sight){.frame = b->frame[i], .look = &p->look[i], .to = to};
    }
    p->tap->seen(p->tap->owner, p->in, sights, b->n, p->now_us);
}

/* ---- sending ---- */

static void
send_to_monitors(const struct pass *p, const struct batch *b)
{
    for (unsigned i = 0; i < p->list->n_slots; i++) {
        if (!p->list->slot[i].monitor)
            continue;
        struct batch copy = {.n = 0};
        for (unsigned k = 0; k < b->n; k++)
            batch_add(&copy, frame_ref(b->frame[k]));
        tube_send(&p->list->slot[i].port->tube, &copy, p->now_us);
    }
}

/* Nothing is flooded: a batch for each destination. */
static void
send_known(struct pass *p, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        uint16_t to = p->to[i];
        if (to == HUB_TO_NOBODY)
            continue; /* went with an earlier frame */
        struct batch out = {.n = 0};
        for (unsigned k = i; k < b->n; k++) {
            if (p->to[k] != to)
                continue;
            batch_add(&out, b->frame[k]);
            p->to[k] = HUB_TO_NOBODY;
        }
        tube_send(&p->list->slot[to].port->tube, &out, p->now_us);
    }
    b->n = 0;
}

static void
send_batch(struct pass *p, struct batch *b)
{
    if (p->list->n_monitors > 0)
        send_to_monitors(p, b);
    if (p->n_all > 0) {
        const struct hub_flood flood = {p->list, p->in, p->to, p->law, p->now_us};
        hub_flood(&flood, b);
        return;
    }
    uint16_t to = p->to[0];
    unsigned same = 1;
    while (same < b->n && p->to[same] == to)
        same++;
    if (same < b->n)
        send_known(p, b);
    else
        tube_send(&p->list->slot[to].port->tube, b, p->now_us);
}

/* Takes out what goes to all, but has to be judged for each of them. It overtakes the rest of the
 * batch, in which frames of the same rules are not. */
static void
send_apart(struct pass *p, struct batch *b)
{
    const struct look *looks[BATCH_MAX];
    struct batch apart = {.n = 0};
    unsigned kept = 0;
    for (unsigned i = 0; i < b->n; i++) {
        if (p->mark[i].undecided) {
            looks[apart.n] = &p->look[i];
            batch_add(&apart, b->frame[i]);
            continue;
        }
        b->frame[kept] = b->frame[i];
        p->to[kept++] = p->to[i];
    }
    b->n = kept;
    p->n_all -= apart.n;
    if (apart.n == 0)
        return;
    if (p->list->n_monitors > 0)
        send_to_monitors(p, &apart);
    const struct hub_flood flood = {p->list, p->in, p->to, p->law, p->now_us};
    hub_flood_apart(&flood, &p->rules, looks, &apart);
}

/* ---- the way in ---- */

static void
count(struct pass *p)
{
    struct hub_port *in = p->in;
    hub_count_traffic(&in->in, &p->sum);
    for (unsigned i = 0; i < DROP_N_REASONS; i++)
        if (p->dropped[i] > 0)
            hub_count(&in->dropped[i], p->dropped[i]);
    atomic_store_explicit(&in->last_s, p->now_s, memory_order_relaxed);
    atomic_store_explicit(&in->last_in_s, p->now_s, memory_order_relaxed);
}

/* Settings that changed, and what is to be done once a second. */
static void
keep_up(struct hub_port *in, const struct hub_law *law, int64_t now_us, uint32_t ageing_s)
{
    struct hub *hub = in->hub;
    uint32_t now_s = hub_second(now_us);
    unsigned pps = law->options.BroadcastStormDetectionThreshold;
    if (pps == 0)
        pps = atomic_load_explicit(&hub->storm_pps, memory_order_relaxed);
    if (pps != in->storm_pps) {
        in->storm_pps = pps;
        rate_init(&in->storm, pps, (uint64_t)pps * HUB_STORM_BURST / HUB_STORM_PPS, now_us);
    }
    uint32_t swept_s = atomic_load_explicit(&hub->swept_s, memory_order_relaxed);
    if ((int32_t)(now_s - swept_s) > 0 &&
        atomic_compare_exchange_strong_explicit(&hub->swept_s, &swept_s, now_s,
                                                memory_order_relaxed, memory_order_relaxed)) {
        fdb_sweep_some(hub->fdb, now_s, ageing_s);
        ip_table_sweep_some(hub->ip_table, now_s);
    }
}

static void
refuse(struct hub_port *in, struct batch *b, enum drop why)
{
    struct hub_traffic sum = {0};
    for (unsigned i = 0; i < b->n; i++)
        hub_tally(&sum, b->frame[i], 1);
    hub_count_traffic(&in->in, &sum);
    hub_port_count_drop(in, why, b->n);
    batch_free_frames(b);
}

/* Whether the port may take frames now; else they are refused. */
static bool
is_open(struct hub_port *in, struct batch *b)
{
    g_assert(in->attached);
    if (!hub_is_online(in->hub)) {
        refuse(in, b, DROP_PORT_DOWN);
        return false;
    }
    if (in->receiving) { /* two ports that answer each other from inside deliver() */
        refuse(in, b, DROP_QUEUE_FULL);
        return false;
    }
    return true;
}

static void
begin(struct pass *p, struct hub_port *in, int64_t now_us)
{
    struct hub *hub = in->hub;
    p->hub = hub;
    p->in = in;
    p->list = atomic_load_explicit(&hub->ports, memory_order_acquire);
    p->now_us = now_us;
    p->now_s = hub_second(now_us);
    p->ageing_s = atomic_load_explicit(&hub->ageing_s, memory_order_relaxed);
    p->learned = 0;
    p->sum = (struct hub_traffic){0};
    memset(p->dropped, 0, sizeof(p->dropped));
    p->n_all = 0;
    p->tap = atomic_load_explicit(&hub->tap, memory_order_acquire);
    p->law = hub_law_of(hub);
}

static void
forward(struct hub_port *in, struct batch *b, int64_t now_us)
{
    struct pass p;
    struct batch answers = {.n = 0};
    begin(&p, in, now_us);
    p.rules = hub_access_begin(in);
    p.judges = hub_law_judges(p.law, in);
    p.looks = needs_looks(&p);

    in->receiving = true;
    keep_up(in, p.law, now_us, p.ageing_s);
    judge_all(&p, b);
    if (p.looks)
        look_through(&p, b);
    if (p.judges)
        judge_by_law(&p, b);
    if (p.rules.acl)
        judge_by_rules(&p, b);
    learn_all(&p, b);
    look_up(&p, b);
    if (p.rules.n_undecided > 0)
        judge_by_receiver(&p, b);
    if (p.rules.n_actions > 0)
        impair_all(&p, b, &answers);
    count(&p);
    if (p.tap && b->n > 0)
        show(&p, b);
    if (p.rules.n_undecided > 0)
        send_apart(&p, b);
    if (p.rules.acl)
        hub_access_end(&p.rules);
    if (b->n > 0)
        send_batch(&p, b);
    in->receiving = false;
    if (answers.n > 0)
        tube_send(&in->tube, &answers, now_us);
    if (in->gate)
        hub_law_tell(in, now_us);
}

/* Frames that waited: they have been judged, counted and learned. */
void
hub_port_go_on(struct hub_port *in, struct batch *b, int64_t now_us)
{
    struct pass p;
    if (!is_open(in, b))
        return;
    begin(&p, in, now_us);
    p.rules = (struct hub_judged){.acl = NULL};
    p.judges = false;
    p.looks = needs_looks(&p);
    for (unsigned i = 0; i < b->n; i++)
        (void)reads_head(p.law, b->frame[i], &p.dst[i], &p.src[i]); /* it could, before */
    in->receiving = true;
    if (p.looks)
        look_through(&p, b);
    look_up(&p, b);
    count(&p);
    if (p.tap && b->n > 0)
        show(&p, b);
    if (b->n > 0)
        send_batch(&p, b);
    in->receiving = false;
}

void
hub_port_go_in(struct hub_port *in, struct batch *b, int64_t now_us)
{
    if (is_open(in, b))
        forward(in, b, now_us);
}

void
hub_port_receive(struct hub_port *in, struct batch *b, int64_t now_us)
{
    if (!is_open(in, b))
        return;
    if (!in->limit_in || !hub_limiter_takes(in->limit_in, b, now_us))
        forward(in, b, now_us);
}
