/* SPDX-License-Identifier: Apache-2.0 */
/* bridge.c - keeps a link and a port of a hub joined, as long as both are there.
 *
 * Lives on one worker; control makes and frees it. Every two seconds, and at once after a loss, it
 * looks at what there is: no hub of that name, or an offline one (OFFLINE); no device (ERROR); both
 * (ACTIVE), and only then it has a port. A card is closed while there is no hub, because nobody
 * wants its frames; an adapter stays, with the addresses that an administrator gave it, and what
 * comes from it is thrown away.
 *
 * The device is opened by control at first, and by the worker only when it comes back: an adapter
 * takes the system some milliseconds.
 */

#include "core/hub/bridge.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/hub/bridge_io.h"
#include "core/hub/hub_port.h"
#include "core/net/eth.h"

#include <stdatomic.h>
#include <string.h>

enum {
    LOOK_EVERY_US = 2 * 1000 * 1000,
    BATCHES_A_TURN = 4,
    DEVICE_NAME_MAX = 255,
};

struct bridge {
    struct bridge_config config;
    char *hub_name, *device; /* owned; what config points to */
    struct hubs *hubs;       /* borrowed */
    struct worker *worker;
    atomic_int state;

    /* The worker's. */
    struct bridge_io io;
    struct hub *hub; /* counted; the one that has the name now */
    struct hub_port *port;
    unsigned mtu; /* that the port was attached with */
    bool lost;    /* the device said so */
    struct worker_fd wfd;
    struct timer look;
    struct worker_deferred look_now;
};

/* ---- frames ---- */

static void
move_drops(struct bridge *b)
{
    for (unsigned i = 0; i < DROP_N_REASONS; i++) {
        if (b->io.dropped[i] > 0 && b->port)
            hub_port_count_drop(b->port, (enum drop)i, b->io.dropped[i]);
        b->io.dropped[i] = 0;
    }
}

static void
note(struct bridge *b, enum bridge_io_verdict verdict)
{
    move_drops(b);
    if (verdict == BRIDGE_IO_LOST && !b->lost) {
        b->lost = true;
        worker_defer(b->worker, &b->look_now); /* never take the port away from inside its calls */
    }
    if (b->lost)
        return;
    unsigned want = WORKER_READ | (bridge_io_waits(&b->io) ? WORKER_WRITE : 0);
    if (want != b->wfd.want)
        worker_fd_want(b->worker, &b->wfd, want);
}

static void
bridge_deliver(struct hub_port *port, struct batch *batch, int64_t now_us)
{
    struct bridge *b = hub_port_owner(port);
    (void)now_us;
    if (b->lost) {
        hub_port_count_drop(port, DROP_PORT_DOWN, batch->n);
        batch_free_frames(batch);
        return;
    }
    note(b, bridge_io_send(&b->io, worker_pool(b->worker), batch));
}

static void
bridge_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct bridge *b = container_of(wfd, struct bridge, wfd);
    enum bridge_io_verdict verdict = BRIDGE_IO_OK;

    if (events & WORKER_WRITE)
        verdict = bridge_io_flush(&b->io);
    for (unsigned i = 0; i < BATCHES_A_TURN && verdict == BRIDGE_IO_OK; i++) {
        struct batch in = {.n = 0};
        verdict = bridge_io_receive(&b->io, worker_pool(b->worker), &in);
        if (b->port && in.n > 0)
            hub_port_receive(b->port, &in, now_us);
        else
            batch_free_frames(&in);
    }
    if (verdict == BRIDGE_IO_EMPTY && (events & WORKER_HANGUP))
        verdict = BRIDGE_IO_LOST; /* else it would be told again and again */
    note(b, verdict);
}

static const struct hub_port_ops bridge_port_ops = {.deliver = bridge_deliver};

/* ---- joining and parting; worker ---- */

static void
set_state(struct bridge *b, enum bridge_state state, const GError *why)
{
    static const char *const names[] = {"offline", "error", "active"};
    if (atomic_exchange(&b->state, (int)state) == (int)state)
        return;
    log_info("local bridge changed", "hub=%s device=%s state=%s%s%s", b->config.hub,
             b->config.device, names[state], why ? " why=" : "", why ? why->message : "");
}

static void
part(struct bridge *b)
{
    if (!b->port)
        return;
    move_drops(b);
    hub_detach(b->port);
    b->port = NULL;
}

static void
close_device(struct bridge *b)
{
    b->io.dropped[DROP_PORT_DOWN] += b->io.n_wait;
    part(b);
    if (b->io.link.handle)
        worker_fd_remove(b->worker, &b->wfd);
    bridge_io_done(&b->io);
    b->lost = false;
}

static bool
watch(struct bridge *b, GError **error)
{
    b->wfd = (struct worker_fd){.fd = b->io.link.fd, .want = WORKER_READ, .ready = bridge_ready};
    if (worker_fd_add(b->worker, &b->wfd))
        return true;
    bridge_link_close(&b->io.link);
    g_set_error(error, PE_ERROR, PE_DEVICE, "the system does not let '%s' be watched",
                b->config.device);
    return false;
}

static bool
open_device(struct bridge *b, GError **error)
{
    return bridge_link_open(&b->io.link, b->config.device, b->config.tap, error) && watch(b, error);
}

static bool
join(struct bridge *b, GError **error)
{
    g_autofree char *name = g_strdup_printf("SID-LOCALBRIDGE-%s", b->config.device);
    b->mtu = b->io.link.ops->mtu(b->io.link.handle);
    struct hub_port_config config = {
        .name = name,
        .kind = HUB_PORT_BRIDGE,
        .policy = policy_default(),
        .max_frame = b->mtu + ETH_HEADER,
    };
    config.policy.NoBroadcastLimiter = 1; /* a whole network is behind it */
    b->port = hub_attach(b->hub, &config, &bridge_port_ops, b, error);
    return b->port != NULL;
}

/* Whether there is a hub to be in; leaves one that is not it any more. */
static bool
find_hub(struct bridge *b)
{
    struct hub *hub = hubs_find(b->hubs, b->config.hub);
    if (hub != b->hub) {
        part(b);
        if (b->hub)
            hub_unref(b->hub);
        b->hub = hub;
    } else if (hub) {
        hub_unref(hub);
    }
    return hub && hub_is_online(hub);
}

static void
look(struct bridge *b)
{
    g_autoptr(GError) error = NULL;
    if (b->lost)
        close_device(b);
    if (!find_hub(b)) {
        part(b);
        if (!b->config.tap)
            close_device(b);
        set_state(b, BRIDGE_OFFLINE, NULL);
        return;
    }
    if (!b->io.link.handle && !open_device(b, &error)) {
        set_state(b, BRIDGE_ERROR, error);
        return;
    }
    if (b->port && b->mtu != b->io.link.ops->mtu(b->io.link.handle))
        part(b); /* and attach again with the new one */
    if (!b->port && !join(b, &error))
        set_state(b, BRIDGE_OFFLINE, error);
    else
        set_state(b, BRIDGE_ACTIVE, NULL);
}

static void
look_by_timer(struct timer *t, int64_t now_us)
{
    struct bridge *b = container_of(t, struct bridge, look);
    look(b);
    timer_arm(worker_timers(b->worker), t, now_us + LOOK_EVERY_US);
}

static void
look_by_loss(struct worker_deferred *d, int64_t now_us)
{
    (void)now_us;
    look(container_of(d, struct bridge, look_now));
}

/* ---- control ---- */

static void
start_at_home(void *data)
{
    struct bridge *b = data;
    if (b->io.link.handle)
        (void)watch(b, NULL); /* look() tries again and says why */
    look(b);
    timer_arm(worker_timers(b->worker), &b->look, worker_now_us(b->worker) + LOOK_EVERY_US);
}

static void
stop_at_home(void *data)
{
    struct bridge *b = data;
    timer_cancel(worker_timers(b->worker), &b->look);
    worker_defer_cancel(b->worker, &b->look_now);
    part(b);
    if (b->io.link.handle)
        worker_fd_remove(b->worker, &b->wfd);
    if (b->hub)
        hub_unref(b->hub);
    b->hub = NULL;
}

static bool
is_device_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len == 0 || len > DEVICE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isgraph(name[i]) || name[i] == '/')
            return false;
    return true;
}

struct bridge *
bridge_new(struct hubs *hubs, const struct bridge_config *config, GError **error)
{
    if (!config->hub || !*config->hub || !is_device_name(config->device)) {
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "a local bridge needs the name of a hub and of a network card or adapter");
        return NULL;
    }
    if (!pf_can(config->tap ? PF_CAP_TAP : PF_CAP_RAW_ETHERNET)) {
        g_set_error(error, PE_ERROR, PE_LOCAL_BRIDGE_UNSUPPORTED,
                    config->tap ? "this server has no right to make virtual adapters"
                                : "this server has no right to use network cards directly");
        return NULL;
    }
    struct bridge *b = g_new0(struct bridge, 1);
    b->hub_name = g_strdup(config->hub);
    b->device = g_strdup(config->device);
    b->config = (struct bridge_config){.hub = b->hub_name, .device = b->device, .tap = config->tap};
    b->hubs = hubs;
    b->worker = worker_set_pick(hubs_workers(hubs));
    b->io.link.fd = -1;
    b->look_now.fn = look_by_loss;
    timer_init(&b->look, look_by_timer);
    atomic_init(&b->state, BRIDGE_OFFLINE);
    g_autoptr(GError) later = NULL;
    if (!bridge_link_open(&b->io.link, b->device, b->config.tap, &later))
        log_debug("device of a local bridge is not there yet", "device=%s why=%s", b->device,
                  later->message);
    worker_call(b->worker, start_at_home, b);
    return b;
}

void
bridge_free(struct bridge *b)
{
    if (!b)
        return;
    worker_call_sync(b->worker, stop_at_home, b);
    bridge_io_done(&b->io);
    worker_unload(b->worker);
    g_free(b->hub_name);
    g_free(b->device);
    g_free(b);
}

enum bridge_state
bridge_get_state(const struct bridge *b)
{
    return (enum bridge_state)atomic_load(&b->state);
}

const struct bridge_config *
bridge_get_config(const struct bridge *b)
{
    return &b->config;
}
