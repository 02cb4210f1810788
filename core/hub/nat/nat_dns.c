/* SPDX-License-Identifier: Apache-2.0 */
/* nat_dns.c - the DNS forwarder at the virtual host's own address.
 *
 * A query goes on to a resolver of this host, under an identifier of its own and from a port that
 * the system chooses anew for each, so that an answer from elsewhere must guess 32 bits (RFC 5452).
 * The answer must come from that resolver (the socket is connected), carry the identifier and the
 * question. Nothing is kept. When the client asks the same again, the next resolver is asked.
 */

#include "core/base/random.h"
#include "core/hub/nat/vhost_priv.h"
#include "core/net/wire.h"

#include <glib/gstdio.h>

#include <sys/socket.h>

enum {
    DNS_HEADER = 12,
    DNS_PORT = 53,
    DNS_QUESTION_MAX = 260, /* a name, type and class */
    DNS_MESSAGE_MAX = 4096,
    RESOLVERS_MAX = 4,
    LOOK_EVERY_US = 5 * 1000 * 1000,
};

#define RESOLV_CONF "/etc/resolv.conf"

struct nat_dns {
    struct endpoint resolver[RESOLVERS_MAX];
    unsigned n, next;
    int64_t looked_us;
    int64_t changed_s; /* when the file was written */
};

struct nat_dns_flow {
    struct nat_flow flow; /* first; key: the client's end, and as dst what this host is called */
    struct vhost *v;
    struct worker_fd wfd;
    uint16_t id, client_id;
    uint16_t question_len;
    uint8_t question[DNS_QUESTION_MAX];
    struct ip src, dst; /* of the answer */
};

/* ---- resolvers ---- */

static void
read_line(struct nat_dns *d, const char *line)
{
    g_auto(GStrv) word = g_strsplit_set(line, " \t", 0);
    unsigned i = 0;
    struct ip ip;
    while (word[i] && !*word[i])
        i++;
    if (!word[i] || strcmp(word[i], "nameserver") != 0)
        return;
    for (i++; word[i] && !*word[i]; i++)
        ;
    if (word[i] && d->n < RESOLVERS_MAX && ip_parse(word[i], &ip))
        d->resolver[d->n++] = (struct endpoint){.ip = ip, .port = DNS_PORT};
}

static void
read_resolvers(struct nat_dns *d)
{
    g_autofree char *text = NULL;
    d->n = 0;
    d->next = 0;
    if (g_file_get_contents(RESOLV_CONF, &text, NULL, NULL)) {
        g_auto(GStrv) line = g_strsplit(text, "\n", 0);
        for (unsigned i = 0; line[i]; i++)
            read_line(d, line[i]);
    }
    if (d->n == 0) { /* as the C library has it */
        d->resolver[0] = (struct endpoint){.ip = ip_from_v4(0x7f000001), .port = DNS_PORT};
        d->n = 1;
    }
}

/* A short look at a small local file, at most every five seconds. */
static struct nat_dns *
resolvers(struct vhost *v)
{
    int64_t now_us = worker_now_us(v->worker);
    GStatBuf st = {0};
    if (!v->dns)
        v->dns = g_new0(struct nat_dns, 1);
    struct nat_dns *d = v->dns;
    if (d->n > 0 && now_us - d->looked_us < LOOK_EVERY_US)
        return d;
    d->looked_us = now_us;
    bool there = g_stat(RESOLV_CONF, &st) == 0;
    if (d->n == 0 || (there && st.st_mtime != d->changed_s))
        read_resolvers(d);
    d->changed_s = st.st_mtime;
    return d;
}

bool
nat_dns_resolver(struct vhost *v, struct endpoint *out)
{
    const struct nat_dns *d = resolvers(v);
    *out = d->resolver[d->next % d->n];
    return true;
}

void
nat_dns_stop(struct vhost *v)
{
    g_clear_pointer(&v->dns, g_free);
}

/* ---- messages ---- */

/* The length of the one question behind the header; 0: it is not a query that can be passed on. */
static size_t
question_len(struct reader r)
{
    const uint8_t *start = r.at;
    for (unsigned labels = 0; labels < 128; labels++) {
        uint8_t len = reader_u8(&r);
        if (len == 0)
            break;
        if (len > 63)
            return 0;
        (void)reader_take(&r, len);
    }
    (void)reader_take(&r, 4);
    return reader_ok(&r) && (size_t)(r.at - start) <= DNS_QUESTION_MAX ? (size_t)(r.at - start) : 0;
}

static bool
equal_without_case(const uint8_t *a, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (g_ascii_tolower((char)a[i]) != g_ascii_tolower((char)b[i]))
            return false;
    return true;
}

/* ---- answers ---- */

static struct nat_dns_flow *
dns_of(struct nat_flow *f)
{
    return container_of(f, struct nat_dns_flow, flow);
}

void
nat_dns_flow_end(struct vhost *v, struct nat_flow *f)
{
    struct nat_dns_flow *d = dns_of(f);
    if (d->wfd.fd >= 0) {
        worker_fd_remove(v->worker, &d->wfd);
        pf_close(d->wfd.fd);
    }
    nat_flow_remove(v, f);
    g_free(d);
}

static bool
is_answer(const struct nat_dns_flow *d, const uint8_t *message, size_t len)
{
    return len >= DNS_HEADER + (size_t)d->question_len && wire_get16(message) == d->id &&
           (message[2] & 0x80) && wire_get16(message + 4) == 1 &&
           equal_without_case(message + DNS_HEADER, d->question, d->question_len);
}

static void
on_ready(struct worker_fd *wfd, unsigned events, int64_t now_us)
{
    struct nat_dns_flow *d = container_of(wfd, struct nat_dns_flow, wfd);
    struct vhost *v = d->v;
    uint8_t *room = worker_scratch(v->worker, WORKER_SCRATCH_RX);
    (void)events;
    (void)now_us;
    for (;;) {
        long got = pf_recv(wfd->fd, room, UINT16_MAX);
        if (got == -1)
            return;
        if (got == -2) { /* nobody listens there: the client's next try goes to another */
            nat_dns_flow_end(v, &d->flow);
            return;
        }
        if (!is_answer(d, room, (size_t)got))
            continue;
        struct vhost_route route;
        wire_put16(room, d->client_id);
        d->flow.received += (uint64_t)got;
        nat_client_route(&d->flow, &d->src, &d->dst, &route);
        vhost_send_udp(v, &route, DNS_PORT, d->flow.node.key.sport, reader_of(room, (size_t)got));
        nat_dns_flow_end(v, &d->flow);
        return;
    }
}

/* ---- queries ---- */

static bool
open_socket(struct nat_dns_flow *d, const struct endpoint *resolver)
{
    struct sockaddr_storage sa;
    unsigned salen = endpoint_to_sockaddr(resolver, &sa);
    int fd = pf_dgram_connect((const struct sockaddr *)&sa, salen);
    if (fd < 0)
        return false;
    d->wfd = (struct worker_fd){.fd = fd, .want = WORKER_READ, .ready = on_ready};
    if (worker_fd_add(d->v->worker, &d->wfd))
        return true;
    pf_close(fd);
    d->wfd.fd = -1;
    return false;
}

static void
send_query(struct nat_dns_flow *d, struct reader query)
{
    uint8_t message[DNS_MESSAGE_MAX];
    memcpy(message, query.at, query.left);
    wire_put16(message, d->id);
    (void)pf_send(d->wfd.fd, message, query.left); /* lost: the client asks again */
}

void
nat_dns_received(struct vhost *v, const struct vhost_packet *p, struct reader query)
{
    struct nat_dns *dns = resolvers(v);
    struct reader behind = query;
    struct nat_key key;
    const uint8_t *header = reader_take(&behind, DNS_HEADER);
    size_t question = header ? question_len(behind) : 0;
    if (question == 0 || (header[2] & 0x80) || wire_get16(header + 4) != 1 ||
        query.left > DNS_MESSAGE_MAX) {
        vhost_count_drop(v, DROP_MALFORMED);
        return;
    }
    /* Many queries may come from one port at once: the identifier tells them apart, and stands in
     * the key where the port that is always 53 would. */
    nat_key_of(&p->flow, &key);
    key.zero[0] = header[0];
    key.zero[1] = header[1];
    struct nat_flow *old = nat_flow_find(v, &key);
    if (old) {
        dns->next++;
        nat_flow_end(v, old, p->now_us);
    }
    if (!nat_flow_may(v, p->client, VHOST_DNS)) {
        vhost_count_drop(v, DROP_QUEUE_FULL);
        return;
    }
    struct nat_dns_flow *d = g_new0(struct nat_dns_flow, 1);
    d->v = v;
    d->wfd.fd = -1;
    d->client_id = wire_get16(header);
    d->id = (uint16_t)random_u32();
    d->question_len = (uint16_t)question;
    memcpy(d->question, behind.at, question);
    d->src = vhost_ip(key.version, key.dst);
    d->dst = vhost_ip(key.version, key.src);
    nat_flow_add(v, &d->flow, VHOST_DNS, &key, p->client, p->now_us);
    d->flow.sent = query.left;
    if (open_socket(d, &dns->resolver[dns->next % dns->n])) {
        send_query(d, query);
    } else {
        dns->next++;
        nat_dns_flow_end(v, &d->flow);
    }
}
