/* SPDX-License-Identifier: Apache-2.0 */
/* sstp-load.c - an SSTP client for measuring a server by: one session with a TUN adapter, which
 * costs as little as it can, or many sessions at a time that do nothing.
 *
 *     sstp-load --server 10.0.0.1 --user hub\\anna --password ... --tun load0
 *     sstp-load --server 10.0.0.1 --user hub\\anna --password ... --sessions 1000
 *
 * It prints "up N addresses M seconds S" when all are there, and what goes wrong; SIGTERM ends the
 * sessions in order. Exit status 0: all came up, and none was lost.
 */

#include "core/base/addr.h"
#include "core/base/clock.h"
#include "core/base/types.h"
#include "core/crypto/tls.h"
#include "core/hub/bridge_io.h"
#include "core/net/eth.h"
#include "core/net/segment.h"
#include "tests/bench/sstp_dial.h"

#include <glib-unix.h>

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    AT_ONCE = 100, /* logins under way */
    GOODBYES = 16, /* likewise: more would be lost between the workers of a server, as in life */
    BATCHES_A_TURN = 4,
    MTU = 1500,
    LEAVE_S = 15,
};

struct load {
    struct sstp_dial_config dial;
    unsigned wanted, begun, up, over, failed;
    bool leaving;
    int64_t start_us;
    GHashTable *addresses;
    GPtrArray *dials;
    const char *tun;
    /* with an adapter */
    struct bridge_io io;
    struct worker_fd wfd;
    GMainLoop *loop;
};

static gboolean
quit(void *loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void
finish(struct load *l)
{
    g_idle_add(quit, l->loop);
}

/* ---- the adapter: IP packets, in frames with an empty Ethernet header ---- */

static int
tun_receive(void *handle, struct pf_slice *buf, struct pf_offload *off, unsigned n)
{
    unsigned got = 0;

    for (; got < n; got++) {
        uint8_t *at = buf[got].at;
        struct pf_slice ip = {.at = at + ETH_HEADER, .len = buf[got].len - ETH_HEADER};
        long len = pf_vnic_recv(handle, &ip, 1, &off[got]);
        if (len < 0)
            return got > 0 || len == -1 ? (int)got : -2;
        memset(at, 0, ETH_HEADER);
        at[12] = at[ETH_HEADER] >> 4 == 4 ? ETH_TYPE_IP4 >> 8 : ETH_TYPE_IP6 >> 8;
        at[13] = at[ETH_HEADER] >> 4 == 4 ? ETH_TYPE_IP4 & 0xff : ETH_TYPE_IP6 & 0xff;
        if (off[got].flags & PF_NEEDS_CSUM)
            off[got].csum_start += ETH_HEADER;
        buf[got].len = (size_t)len + ETH_HEADER;
    }
    return (int)got;
}

static int
tun_send(void *handle, const struct pf_packet *p, unsigned n, unsigned *refused)
{
    unsigned taken = 0;

    for (; taken < n; taken++) {
        struct pf_slice iov[BATCH_MAX + 2];
        struct pf_offload off = p[taken].off;
        memcpy(iov, p[taken].iov, p[taken].n_iov * sizeof(iov[0]));
        iov[0].at = (uint8_t *)iov[0].at + ETH_HEADER;
        iov[0].len -= ETH_HEADER;
        if (off.flags & PF_NEEDS_CSUM)
            off.csum_start -= ETH_HEADER;
        if (off.hdr_len > ETH_HEADER)
            off.hdr_len -= ETH_HEADER;
        if (pf_vnic_send(handle, iov, p[taken].n_iov, &off))
            continue;
        if (errno == EAGAIN || errno == ENOBUFS)
            break;
        ++*refused;
    }
    return (int)taken;
}

static unsigned
tun_mtu(const void *handle)
{
    return pf_vnic_mtu(handle);
}

static void
tun_close(void *handle)
{
    pf_vnic_close(handle);
}

static const struct bridge_link_ops tun_ops = {tun_receive, tun_send, tun_mtu, tun_close};

/* ---- between the adapter and the session ---- */

/* Packets of super-frames that wait to be sent by one call: their headers are copies, since the
 * iterator overwrites its own. */
struct outgoing {
    struct sstp_dial *dial;
    unsigned n;
    struct sstp_dial_packet packet[BATCH_MAX];
    uint8_t head[BATCH_MAX][SSTP_DIAL_ROOM + SEGMENT_HEADER_MAX];
};

static void
send_out(struct outgoing *o)
{
    if (o->n > 0)
        sstp_dial_send(o->dial, o->packet, o->n);
    o->n = 0;
}

static void
add(struct outgoing *o, const uint8_t *head, size_t head_len, const uint8_t *rest, size_t rest_len)
{
    struct sstp_dial_packet *p = &o->packet[o->n];

    p->head = o->head[o->n] + SSTP_DIAL_ROOM;
    p->head_len = head_len;
    if (head_len > 0)
        memcpy(p->head, head, head_len);
    p->rest = (struct pf_slice){(void *)(uintptr_t)rest, rest_len};
    if (++o->n == BATCH_MAX)
        send_out(o);
}

static void
send_frame(struct outgoing *o, const struct frame *f)
{
    struct segment_iter it;
    struct segment s;

    if (f->data[12] != ETH_TYPE_IP4 >> 8 || f->data[13] != (ETH_TYPE_IP4 & 0xff) ||
        segment_begin(&it, f) != DROP_NONE)
        return;
    while (segment_next(&it, &s)) {
        if (s.header_len > 0)
            add(o, s.header + ETH_HEADER, s.header_len - ETH_HEADER, s.payload, s.payload_len);
        else
            add(o, NULL, 0, s.payload + ETH_HEADER, s.payload_len - ETH_HEADER);
    }
}

static void
watch_tun(struct load *l)
{
    const struct sstp_dial *d = l->dials->len > 0 ? g_ptr_array_index(l->dials, 0) : NULL;
    unsigned want = (d && !sstp_dial_is_congested(d) ? WORKER_READ : 0) |
                    (bridge_io_waits(&l->io) ? WORKER_WRITE : 0);

    if (l->wfd.ready && want != l->wfd.want)
        worker_fd_want(l->dial.worker, &l->wfd, want);
}

static void
on_tun(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct load *l = container_of(wfd, struct load, wfd);
    struct outgoing o = {.n = 0};
    bool more = l->dials->len > 0;

    (void)now_us;
    if ((events & WORKER_WRITE) && bridge_io_flush(&l->io) == BRIDGE_IO_LOST)
        more = false;
    o.dial = l->dials->len > 0 ? g_ptr_array_index(l->dials, 0) : NULL;
    for (unsigned i = 0; i < BATCHES_A_TURN && more && !sstp_dial_is_congested(o.dial); i++) {
        struct batch b = {.n = 0};
        more = bridge_io_receive(&l->io, worker_pool(l->dial.worker), &b) == BRIDGE_IO_OK;
        for (unsigned k = 0; k < b.n; k++)
            send_frame(&o, b.frame[k]);
        send_out(&o);
        batch_free_frames(&b);
    }
    watch_tun(l);
}

static void
on_receive(void *owner, struct batch *b)
{
    struct load *l = owner;

    for (unsigned i = 0; i < b->n; i++) {
        uint8_t *at = frame_push(b->frame[i], ETH_HEADER);
        if (!at) /* frames have headroom */
            continue;
        memset(at, 0, ETH_HEADER);
        at[12] = ETH_TYPE_IP4 >> 8;
        at[13] = ETH_TYPE_IP4 & 0xff;
    }
    if (!l->tun)
        batch_free_frames(b);
    else if (bridge_io_send(&l->io, worker_pool(l->dial.worker), b) == BRIDGE_IO_LOST)
        finish(l);
    watch_tun(l);
}

static void
on_writable(void *owner)
{
    watch_tun(owner);
}

static bool
open_tun(struct load *l, uint32_t ip4, GError **error)
{
    struct ip ip = ip_from_v4(ip4);
    struct pf_vnic *tun = pf_tun_open(l->tun, error);

    if (!tun)
        return false;
    l->io.link = (struct bridge_link){
        .ops = &tun_ops, .handle = tun, .fd = pf_vnic_fd(tun), .offload = pf_vnic_has_offload(tun)};
    l->wfd = (struct worker_fd){.fd = l->io.link.fd, .want = WORKER_READ, .ready = on_tun};
    return pf_net_link_mtu(l->tun, MTU, error) && pf_net_link_up(l->tun, true, error) &&
           pf_net_addr_add(l->tun, 4, ip.b, 32, false, error) &&
           worker_fd_add(l->dial.worker, &l->wfd);
}

/* ---- sessions ---- */

static void begin_some(struct load *l);

static void
leave_some(struct load *l)
{
    for (unsigned i = 0; i < MIN(l->dials->len, GOODBYES); i++)
        sstp_dial_leave(g_ptr_array_index(l->dials, i));
}

static void
on_up(void *owner, struct sstp_dial *d, uint32_t ip4)
{
    struct load *l = owner;
    g_autoptr(GError) error = NULL;

    (void)d;
    l->up++;
    g_hash_table_add(l->addresses, GUINT_TO_POINTER(ip4));
    if (l->tun && !open_tun(l, ip4, &error)) {
        (void)fprintf(stderr, "sstp-load: %s\n", error ? error->message : "no adapter");
        l->failed++;
        finish(l);
        return;
    }
    if (l->up == l->wanted) {
        char text[IP_TEXT];
        struct ip ip = ip_from_v4(ip4);
        (void)printf("up %u addresses %u seconds %.2f last %s\n", l->up,
                     g_hash_table_size(l->addresses), (double)(clock_now_us() - l->start_us) / 1e6,
                     ip_print(&ip, text));
        (void)fflush(stdout);
    }
    begin_some(l);
}

static void
on_ended(void *owner, struct sstp_dial *d, const char *why)
{
    struct load *l = owner;
    guint at = 0;

    /* In order: the first ones are those that have been told to leave. */
    if (g_ptr_array_find(l->dials, d, &at))
        g_ptr_array_remove_index(l->dials, at);
    l->over++;
    if (why) {
        (void)fprintf(stderr, "sstp-load: session lost: %s\n", why);
        l->failed++;
    }
    if (l->leaving ? l->dials->len == 0 : l->over == l->wanted)
        finish(l);
    else if (l->leaving)
        leave_some(l);
    else
        begin_some(l);
}

static const struct sstp_dial_ops dial_ops = {on_up, on_receive, on_writable, on_ended};

static void
begin_some(struct load *l)
{
    while (!l->leaving && l->begun < l->wanted && l->begun < l->up + l->failed + AT_ONCE) {
        struct sstp_dial *d = sstp_dial_new(&l->dial, &dial_ops, l);
        l->begun++;
        if (d) {
            g_ptr_array_add(l->dials, d);
            continue;
        }
        (void)fprintf(stderr, "sstp-load: no connection can be made\n");
        l->failed++;
        l->over++;
    }
}

static void
begin(void *data)
{
    struct load *l = data;

    l->start_us = clock_now_us();
    begin_some(l);
}

static void
leave(void *data)
{
    struct load *l = data;

    l->leaving = true;
    if (l->dials->len == 0)
        finish(l);
    leave_some(l);
}

static void
clean_up(void *data)
{
    struct load *l = data;

    if (l->wfd.ready)
        worker_fd_remove(l->dial.worker, &l->wfd);
    bridge_io_done(&l->io);
}

/* ---- the program ---- */

static gboolean
on_signal(void *data)
{
    struct load *l = data;

    worker_call(l->dial.worker, leave, l);
    (void)g_timeout_add_seconds(LEAVE_S, quit, l->loop);
    return G_SOURCE_REMOVE;
}

static bool
run(struct load *l, struct worker_set *workers)
{
    l->dial.worker = worker_set_get(workers, 0);
    l->loop = g_main_loop_new(NULL, FALSE);
    l->addresses = g_hash_table_new(NULL, NULL);
    l->dials = g_ptr_array_new();
    (void)g_unix_signal_add(SIGTERM, on_signal, l);
    (void)g_unix_signal_add(SIGINT, on_signal, l);
    worker_call(l->dial.worker, begin, l);
    g_main_loop_run(l->loop);
    unsigned left = l->dials->len;
    if (left > 0) /* the process ends, and they with it */
        (void)fprintf(stderr, "sstp-load: %u sessions had no answer to their goodbye\n", left);
    else
        worker_call_sync(l->dial.worker, clean_up, l);
    return left == 0 && l->failed == 0 && l->up == l->wanted;
}

static bool
address_of(const char *text, unsigned port, struct sockaddr_in *out)
{
    struct ip ip;

    if (!ip_parse(text, &ip) || ip.family != 4)
        return false;
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    out->sin_addr.s_addr = htonl(ip_to_v4(&ip));
    return true;
}

int
main(int argc, char **argv)
{
    static struct load load; /* its bridge_io is long */
    g_autofree char *server = NULL;
    g_autofree char *user = NULL;
    g_autofree char *password = NULL;
    g_autofree char *tun = NULL;
    int port = 443;
    int sessions = 1;
    gboolean pap = FALSE;
    const GOptionEntry entries[] = {
        {"server", 0, 0, G_OPTION_ARG_STRING, &server, "IPv4 address", "ADDRESS"},
        {"port", 0, 0, G_OPTION_ARG_INT, &port, "443 if not given", "PORT"},
        {"user", 0, 0, G_OPTION_ARG_STRING, &user, "HUB\\user", "NAME"},
        {"password", 0, 0, G_OPTION_ARG_STRING, &password, NULL, "TEXT"},
        {"pap", 0, 0, G_OPTION_ARG_NONE, &pap, "PAP in place of MS-CHAPv2", NULL},
        {"sessions", 0, 0, G_OPTION_ARG_INT, &sessions, "how many, without an adapter", "N"},
        {"tun", 0, 0, G_OPTION_ARG_STRING, &tun, "one session with this adapter", "NAME"},
        {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    struct sockaddr_in sa;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        (void)fprintf(stderr, "sstp-load: %s\n", error->message);
        return 2;
    }
    if (!server || !user || !password || sessions < 1 || !address_of(server, (unsigned)port, &sa)) {
        (void)fprintf(stderr, "sstp-load: --server, --user and --password are needed\n");
        return 2;
    }
    SSL_CTX *ctx = tls_client_ctx(&error);
    struct worker_set *workers = ctx ? worker_set_new(1, &error) : NULL;
    if (!workers) {
        (void)fprintf(stderr, "sstp-load: %s\n", error->message);
        return 1;
    }
    (void)pf_descriptors_raise();
    load.dial = (struct sstp_dial_config){.ctx = ctx,
                                          .server = (const struct sockaddr *)&sa,
                                          .server_len = sizeof(sa),
                                          .user = user,
                                          .password = password,
                                          .pap = pap};
    load.wanted = tun ? 1 : (unsigned)sessions;
    load.tun = tun;
    return run(&load, workers) ? 0 : 1;
}
