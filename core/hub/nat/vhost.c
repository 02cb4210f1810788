/* SPDX-License-Identifier: Apache-2.0 */
/* vhost.c - the life of a virtual host, and what control asks of it.
 *
 * It lives on one worker. Control calls it by worker_call_sync(): to start, to stop, to configure
 * and to look. The worker tells control of leases by messages that hold a reference. While the hub
 * is offline there is no port; it is looked for every two seconds.
 */

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/hub/nat/vhost_priv.h"
#include "core/net/ndp.h"

enum { LOOK_EVERY_US = 2 * 1000 * 1000 };

/* ---- references ---- */

struct vhost *
vhost_ref(struct vhost *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void
vhost_unref(struct vhost *v)
{
    if (atomic_fetch_sub(&v->refs, 1) != 1)
        return;
    hub_unref(v->hub);
    g_mutex_clear(&v->lease_lock);
    g_free(v->config.dhcp4.reservation);
    g_free(v);
}

/* ---- configuration ---- */

/* Both may have reservations of their own. */
static void
copy_config(struct vhost_config *to, const struct vhost_config *from)
{
    struct dhcp_reservation *old = to->dhcp4.reservation;
    *to = *from;
    size_t size = from->dhcp4.n_reservations * sizeof(*old);
    to->dhcp4.reservation = size > 0 ? g_memdup2(from->dhcp4.reservation, size) : NULL;
    g_free(old);
}

static unsigned
mask_len(uint32_t mask)
{
    unsigned n = 0;
    for (; mask & 0x80000000u; mask <<= 1)
        n++;
    return n;
}

static void
derive(struct vhost *v)
{
    const struct vhost_config *c = &v->config;
    v->ip4 = ip_from_v4(c->ip4);
    v->net4 = (struct ip_prefix){.ip = v->ip4, .len = (uint8_t)mask_len(c->mask4)};
    v->ip6 = (struct ip){.family = 6};
    memcpy(v->ip6.b, c->dhcp6.prefix, 8);
    v->ip6.b[15] = 1;
    v->net6 = (struct ip_prefix){.ip = v->ip6, .len = 64};
    v->link_local = (struct ip){.family = 6};
    ndp_link_local(&c->mac, v->link_local.b);
}

static bool
same_addresses(const struct vhost_config *a, const struct vhost_config *b)
{
    return mac_equal(&a->mac, &b->mac) && a->ip4 == b->ip4 && a->mask4 == b->mask4 &&
           a->mtu == b->mtu && a->use_nat == b->use_nat && a->nat_mode == b->nat_mode &&
           a->use_ip6 == b->use_ip6 &&
           memcmp(a->dhcp6.prefix, b->dhcp6.prefix, sizeof(a->dhcp6.prefix)) == 0;
}

/* ---- the port; worker ---- */

static const struct hub_port_ops port_ops = {.deliver = vhost_deliver};

static void
leave(struct vhost *v)
{
    nat_flows_end_all(v, worker_now_us(v->worker));
    nat_clients_forget_all(v);
    nat_fragments_forget(v);
    vhost_ndp_stop(v);
    vhost_flush(v, worker_now_us(v->worker));
    if (v->port)
        hub_detach(v->port);
    v->port = NULL;
    worker_defer_cancel(v->worker, &v->take_late);
    batch_free_frames(&v->late);
}

static void
join(struct vhost *v)
{
    g_autoptr(GError) error = NULL;
    struct hub_port_config config = {
        .name = "SecureNAT",
        .kind = HUB_PORT_NAT,
        .policy = policy_default(),
        .max_frame = ETH_HEADER + v->config.mtu,
    };
    config.policy.NoBroadcastLimiter = 1;
    v->port = hub_attach(v->hub, &config, &port_ops, v, &error);
    if (!v->port) {
        log_debug("virtual host cannot join its hub yet", "hub=%s why=%s", hub_name(v->hub),
                  error->message);
        return;
    }
    vhost_arp_announce(v);
    vhost_ndp_start(v, worker_now_us(v->worker));
}

static void
look(struct timer *t, int64_t now_us)
{
    struct vhost *v = container_of(t, struct vhost, look);
    if (v->port && !hub_is_online(v->hub))
        leave(v);
    else if (!v->port && hub_is_online(v->hub))
        join(v);
    nat_store_trim(&v->store);
    timer_arm(worker_timers(v->worker), t, now_us + LOOK_EVERY_US);
}

static void
on_flush(struct worker_deferred *d, int64_t now_us)
{
    vhost_flush(container_of(d, struct vhost, flush), now_us);
}

static void
on_sweep(struct timer *t, int64_t now_us)
{
    nat_flows_sweep(container_of(t, struct vhost, sweep), now_us);
}

/* ---- what control asks; worker ---- */

struct question {
    struct vhost *v;
    const struct vhost_config *config;
    const struct dhcp_lease *kept;
    unsigned n_kept;
    struct nat_kernel *kernel;
    const char *why;
    struct vhost_status *status;
    GArray *list;
};

static void
start_at_home(void *data)
{
    const struct question *q = data;
    struct vhost *v = q->v;
    int64_t now_us = worker_now_us(v->worker);
    timer_init(&v->look, look);
    timer_init(&v->sweep, on_sweep);
    v->flush.fn = on_flush;
    v->take_late.fn = vhost_take_late;
    v->store.limit = NAT_STORE_BYTES;
    nat_table_init(&v->clients);
    nat_table_init(&v->flows);
    nat_table_init(&v->maps);
    nat_table_init(&v->peers);
    rate_init(&v->icmp_rate, VHOST_ICMP_PPS, VHOST_ICMP_PPS, now_us);
    derive(v);
    vhost_dhcp_start(v);
    vhost_dhcp_restore(v, q->kept, q->n_kept);
    nat_kernel_start(v);
    look(&v->look, now_us);
}

static void
stop_at_home(void *data)
{
    struct vhost *v = data;
    timer_cancel(worker_timers(v->worker), &v->look);
    leave(v);
    nat_kernel_stop(v);
    timer_cancel(worker_timers(v->worker), &v->sweep);
    worker_defer_cancel(v->worker, &v->flush);
    vhost_dhcp_stop(v);
    nat_dns_stop(v);
    g_clear_pointer(&v->udp_send, g_free);
    nat_table_done(&v->clients);
    nat_table_done(&v->flows);
    nat_table_done(&v->maps);
    nat_table_done(&v->peers);
    g_assert(v->store.used == 0);
    nat_store_clear(&v->store);
}

static void
configure_at_home(void *data)
{
    const struct question *q = data;
    struct vhost *v = q->v;
    bool same = same_addresses(&v->config, q->config);
    if (!same)
        leave(v);
    copy_config(&v->config, q->config);
    derive(v);
    vhost_dhcp_configured(v);
    if (!v->port && hub_is_online(v->hub))
        join(v);
}

/* Flows of one way cannot go on by the other. */
static void
part_from_kernel_at_home(void *data)
{
    const struct question *q = data;
    leave(q->v);
    nat_kernel_stop(q->v);
}

static void
take_kernel_at_home(void *data)
{
    const struct question *q = data;
    struct vhost *v = q->v;
    v->kernel = q->kernel;
    (void)g_strlcpy(v->why, q->why, sizeof(v->why));
    nat_kernel_start(v);
    if (!v->port && hub_is_online(v->hub))
        join(v);
}

static void
status_at_home(void *data)
{
    const struct question *q = data;
    const struct vhost *v = q->v;
    *q->status = (struct vhost_status){
        .tcp = v->kind[VHOST_TCP].n,
        .udp = v->kind[VHOST_UDP].n,
        .icmp = v->kind[VHOST_ICMP].n,
        .dns = v->kind[VHOST_DNS].n,
        .leases = vhost_dhcp_n(v),
        .kernel_mode = nat_kernel_is_on(v),
    };
    memcpy(q->status->why, v->why, sizeof(q->status->why));
}

static void
add_flow(struct nat_node *node, void *data)
{
    GArray *list = data;
    const struct nat_flow *f = container_of(node, struct nat_flow, node);
    int64_t age_us = worker_now_us(worker_current()) - f->last_us;
    struct vhost_flow row = {
        .id = f->id,
        .proto = f->kind,
        .src = nat_flow_src(f),
        .dst = nat_flow_dst(f),
        .created_ms = f->created_ms,
        .last_ms = clock_wall_ms() - age_us / 1000,
        .sent = f->sent,
        .received = f->received,
        .tcp = f->kind == VHOST_TCP ? nat_tcp_flow_state(f) : VHOST_TCP_ESTABLISHED,
    };
    g_array_append_val(list, row);
}

static void
flows_at_home(void *data)
{
    const struct question *q = data;
    nat_table_each(&q->v->flows, add_flow, q->list);
}

static void
leases_at_home(void *data)
{
    const struct question *q = data;
    vhost_dhcp_list(q->v, q->list);
}

/* ---- control ---- */

static bool
is_possible(const struct vhost_config *config, GError **error)
{
    g_autofree char *wrong = vhost_config_check(config);
    if (wrong) {
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, wrong);
        return false;
    }
    return true;
}

struct vhost *
// NOLINTNEXTLINE(readability-function-size): six parameters and the GError
vhost_new(struct hub *hub, const struct vhost_config *config, const struct dhcp_lease *kept,
          unsigned n_kept, const struct vhost_ops *ops, void *owner, GError **error)
{
    if (!is_possible(config, error))
        return NULL;
    (void)pf_descriptors_raise();
    struct vhost *v = g_new0(struct vhost, 1);
    v->hub = hub_ref(hub);
    v->worker = worker_set_pick(hub_workers(hub));
    v->ops = *ops;
    v->owner = owner;
    atomic_init(&v->refs, 1);
    g_mutex_init(&v->lease_lock);
    copy_config(&v->config, config);
    if (!nat_kernel_new(v, config, &v->kernel, v->why, error)) {
        worker_unload(v->worker);
        vhost_unref(v);
        return NULL;
    }
    struct question q = {.v = v, .kept = kept, .n_kept = n_kept};
    worker_call_sync(v->worker, start_at_home, &q);
    return v;
}

void
vhost_free(struct vhost *v)
{
    if (!v)
        return;
    worker_call_sync(v->worker, stop_at_home, v);
    nat_kernel_free(v->kernel);
    v->kernel = NULL;
    v->closed = true;
    vhost_tell_leases(v);
    worker_unload(v->worker);
    vhost_unref(v);
}

/* The adapter and its rules are of a configuration; a new one has others. The old ones go first,
 * whose routes would be in the way, and come back when the new ones must be and cannot. */
static bool
change_kernel(struct vhost *v, const struct vhost_config *config, GError **error)
{
    char why[NAT_WHY];
    struct vhost_status now;
    struct question q = {.v = v, .why = why};
    vhost_get_status(v, &now);
    if (same_addresses(&v->config, config) && now.kernel_mode == (v->kernel != NULL))
        return true;
    worker_call_sync(v->worker, part_from_kernel_at_home, &q);
    nat_kernel_free(v->kernel);
    bool ok = nat_kernel_new(v, config, &q.kernel, why, error);
    if (!ok)
        (void)nat_kernel_new(v, &v->config, &q.kernel, why, NULL);
    worker_call_sync(v->worker, take_kernel_at_home, &q);
    return ok;
}

bool
vhost_set_config(struct vhost *v, const struct vhost_config *config, GError **error)
{
    if (!is_possible(config, error))
        return false;
    if (!change_kernel(v, config, error))
        return false;
    struct question q = {.v = v, .config = config};
    worker_call_sync(v->worker, configure_at_home, &q);
    return true;
}

void
vhost_get_status(struct vhost *v, struct vhost_status *out)
{
    struct question q = {.v = v, .status = out};
    worker_call_sync(v->worker, status_at_home, &q);
}

GArray *
vhost_flows(struct vhost *v)
{
    struct question q = {.v = v, .list = g_array_new(FALSE, FALSE, sizeof(struct vhost_flow))};
    worker_call_sync(v->worker, flows_at_home, &q);
    return q.list;
}

static int
by_address(const void *a, const void *b)
{
    const struct dhcp_lease *x = a;
    const struct dhcp_lease *y = b;
    int order = x->ip.family - y->ip.family;
    return order != 0 ? order : memcmp(x->ip.b, y->ip.b, sizeof(x->ip.b));
}

GArray *
vhost_leases(struct vhost *v)
{
    struct question q = {.v = v, .list = g_array_new(FALSE, FALSE, sizeof(struct dhcp_lease))};
    worker_call_sync(v->worker, leases_at_home, &q);
    g_array_sort(q.list, by_address);
    return q.list;
}
