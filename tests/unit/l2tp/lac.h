/* SPDX-License-Identifier: Apache-2.0 */
/* lac.h - a client of L2TP that is a script, upon a carrier that is a queue; it knows enough PPP to
 * log in. Runs on the test's thread; the service is on its worker. */
#pragma once

#include "core/crypto/mschap.h"
#include "core/proto/carrier.h"
#include "core/proto/l2tp/wire.h"
#include "core/proto/ppp/wire.h"
#include "tests/unit/hub/l3_lab.h"

enum { LAC_CALLS = 65, LAC_WAIT_MS = 10000, LAC_TUNNEL = 77, LAC_SESSION = 100 };

enum lac_how { LAC_MSCHAP, LAC_PAP };

struct lac_call {
    struct lac *lac;
    uint16_t id, peer_id;
    enum lac_how how;
    const char *user, *password;
    bool icrp, lcp_up, our_lcp, in, refused, ipcp_up, hung_up, terminated, echoed;
    bool bare; /* frames go without FF 03 */
    bool sequenced;
    uint16_t result;
    uint8_t ppp_id;
    char answer[MSCHAP_AUTHENTICATOR_TEXT]; /* that the server has to show */
    uint32_t address;
    struct heap got; /* IP packets */
    uint16_t data_ns;
};

struct lac {
    struct lab *lab;
    struct worker *w;
    const struct carrier_service *service;
    struct carrier carrier;
    GAsyncQueue *sent; /* GBytes */
    atomic_bool closed;
    bool opened;
    uint16_t ns, nr, peer_id; /* of the tunnel */
    unsigned n_sccrp, n_acks, n_messages;
    bool stopped, shows_length, silent;
    uint16_t stop_result;
    struct l2tp_message last; /* whose values are gone */
    struct lac_call call[LAC_CALLS];
    unsigned n_calls;
};

/* ---- the carrier ---- */

static inline void
lac_on_send_control(struct carrier *c, struct reader payload, int64_t now_us)
{
    struct lac *lac = container_of(c, struct lac, carrier);

    (void)now_us;
    g_assert_false(atomic_load(&lac->closed));
    g_async_queue_push(lac->sent, g_bytes_new(payload.at, payload.left));
}

static inline void
lac_on_send(struct carrier *c, struct batch *b, int64_t now_us)
{
    for (unsigned i = 0; i < b->n; i++) {
        g_assert_cmpuint(frame_headroom(b->frame[i]), >=, CARRIER_HEADROOM);
        g_assert_cmpuint(b->frame[i]->len, <=, c->mtu);
        lac_on_send_control(c, reader_of(b->frame[i]->data, b->frame[i]->len), now_us);
    }
    batch_free_frames(b);
}

static inline void
lac_on_close(struct carrier *c, int reason, int64_t now_us)
{
    struct lac *lac = container_of(c, struct lac, carrier);

    (void)reason;
    (void)now_us;
    c->link = NULL;
    atomic_store(&lac->closed, true);
}

static const struct carrier_ops lac_carrier_ops = {
    .send = lac_on_send, .send_control = lac_on_send_control, .close = lac_on_close};

struct lac_packet {
    struct lac *lac;
    struct reader bytes;
    unsigned n;
};

static inline void
lac_receive_there(void *data)
{
    struct lac_packet *p = data;
    struct lac *lac = p->lac;
    struct batch b = {.n = 0};
    int64_t now_us = worker_now_us(lac->w);

    if (!lac->opened && lac->service->recognises(lac->service->state, &lac->carrier, p->bytes)) {
        lac->carrier.link = lac->service->opened(lac->service->state, &lac->carrier, now_us);
        lac->opened = lac->carrier.link != NULL;
    }
    if (!lac->carrier.link)
        return;
    for (unsigned i = 0; i < p->n; i++)
        batch_add(&b, lab_frame(lac->w, p->bytes.at, p->bytes.left));
    lac->service->receive(lac->carrier.link, &b, now_us);
    g_assert_cmpuint(b.n, ==, 0);
}

static inline void
lac_say(struct lac *lac, const void *bytes, size_t len)
{
    struct lac_packet p = {.lac = lac, .bytes = reader_of(bytes, len), .n = 1};

    worker_call_sync(lac->w, lac_receive_there, &p);
}

static inline void
lac_close_there(void *data)
{
    struct lac *lac = data;

    if (lac->carrier.link)
        lac->service->closed(lac->carrier.link, PE_DISCONNECTED, worker_now_us(lac->w));
    lac->carrier.link = NULL;
}

/* ---- control ---- */

static inline void
lac_begin(struct lac *lac, struct writer *w, enum l2tp_message_type type, uint16_t session)
{
    l2tp_begin(w, type, lac->peer_id, session);
}

static inline void
lac_end(struct lac *lac, struct writer *w)
{
    g_assert_true(l2tp_end(w));
    wire_put16(w->start + 8, lac->ns++);
    wire_put16(w->start + 10, lac->nr);
    lac_say(lac, w->start, w->len);
}

#define LAC_MESSAGE(w)                      \
    uint8_t bytes_of_##w[L2TP_MESSAGE_MAX]; \
    struct writer w = writer_of(bytes_of_##w, sizeof(bytes_of_##w))

static inline void
lac_sccrq(struct lac *lac)
{
    LAC_MESSAGE(w);

    lac_begin(lac, &w, L2TP_SCCRQ, 0);
    l2tp_put_u16(&w, L2TP_AVP_PROTOCOL_VERSION, 0x0100);
    l2tp_put(&w, L2TP_AVP_HOST_NAME, "anonymous", 9);
    l2tp_put_u32(&w, L2TP_AVP_FRAMING_CAPABILITIES, 3);
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, LAC_TUNNEL);
    l2tp_put_u16(&w, L2TP_AVP_WINDOW, 8);
    lac_end(lac, &w);
}

static inline void
lac_simple(struct lac *lac, enum l2tp_message_type type, uint16_t session)
{
    LAC_MESSAGE(w);

    lac_begin(lac, &w, type, session);
    lac_end(lac, &w);
}

static inline void
lac_icrq(struct lac_call *c)
{
    LAC_MESSAGE(w);

    lac_begin(c->lac, &w, L2TP_ICRQ, 0);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, c->id);
    l2tp_put_u32(&w, L2TP_AVP_CALL_SERIAL, c->id);
    lac_end(c->lac, &w);
}

static inline void
lac_iccn(struct lac_call *c)
{
    LAC_MESSAGE(w);

    lac_begin(c->lac, &w, L2TP_ICCN, c->peer_id);
    l2tp_put_u32(&w, 24, 100000000);
    l2tp_put_u32(&w, 19, 1);
    if (c->sequenced)
        l2tp_put(&w, L2TP_AVP_SEQUENCING_REQUIRED, NULL, 0);
    lac_end(c->lac, &w);
}

static inline void
lac_cdn(struct lac_call *c)
{
    LAC_MESSAGE(w);

    lac_begin(c->lac, &w, L2TP_CDN, c->peer_id);
    l2tp_put_result(&w, L2TP_CALL_ADMINISTRATIVE, 0, NULL);
    l2tp_put_u16(&w, L2TP_AVP_SESSION_ID, c->id);
    lac_end(c->lac, &w);
}

static inline void
lac_stop(struct lac *lac)
{
    LAC_MESSAGE(w);

    lac_begin(lac, &w, L2TP_STOPCCN, 0);
    l2tp_put_u16(&w, L2TP_AVP_TUNNEL_ID, LAC_TUNNEL);
    l2tp_put_result(&w, L2TP_STOP_CLEAR, 0, NULL);
    lac_end(lac, &w);
}

static inline struct lac_call *
lac_call_of(struct lac *lac, uint16_t id)
{
    g_assert_cmpuint(id, >=, LAC_SESSION);
    g_assert_cmpuint(id - LAC_SESSION, <, LAC_CALLS);
    return &lac->call[id - LAC_SESSION];
}

static inline void
lac_hears(struct lac *lac, const struct l2tp_header *h)
{
    struct l2tp_message m;
    uint8_t ack[L2TP_CONTROL_HEADER];

    g_assert_cmpuint(h->tunnel, ==, LAC_TUNNEL);
    if (h->payload.left == 0) {
        lac->n_acks++;
        return;
    }
    if (h->ns != lac->nr) /* once more */
        return;
    lac->nr++;
    lac->n_messages++;
    g_assert_true(l2tp_message_parse(h->payload, NULL, &m));
    if (m.type == L2TP_SCCRP) {
        lac->n_sccrp++;
        g_assert_true(l2tp_message_u16(&m, L2TP_AVP_TUNNEL_ID, &lac->peer_id));
        g_assert_cmpuint(lac->peer_id, !=, 0);
        lac_simple(lac, L2TP_SCCCN, 0);
        return;
    }
    if (m.type == L2TP_ICRP) {
        struct lac_call *c = lac_call_of(lac, h->session);
        g_assert_true(l2tp_message_u16(&m, L2TP_AVP_SESSION_ID, &c->peer_id));
        c->icrp = true;
        lac_iccn(c);
        return;
    }
    if (m.type == L2TP_CDN) {
        struct lac_call *c = lac_call_of(lac, h->session);
        c->hung_up = true;
        g_assert_true(l2tp_message_u16(&m, L2TP_AVP_RESULT, &c->result));
    }
    if (m.type == L2TP_STOPCCN) {
        lac->stopped = true;
        g_assert_true(l2tp_message_u16(&m, L2TP_AVP_RESULT, &lac->stop_result));
    }
    l2tp_write_ack(ack, lac->peer_id, lac->ns, lac->nr);
    lac_say(lac, ack, sizeof(ack));
}

/* ---- PPP ---- */

static inline void
lac_data(struct lac_call *c, const void *frame, size_t len, unsigned n)
{
    uint8_t bytes[2048];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct lac *lac = c->lac;
    bool sequenced = c->sequenced;

    writer_u16(&w, (uint16_t)(2 | (lac->shows_length ? 0x4000 : 0) | (sequenced ? 0x0800 : 0)));
    if (lac->shows_length)
        writer_u16(&w, (uint16_t)(8 + (sequenced ? 4 : 0) + len));
    writer_u16(&w, lac->peer_id);
    writer_u16(&w, c->peer_id);
    if (sequenced)
        writer_u32(&w, (uint32_t)c->data_ns++ << 16);
    writer_bytes(&w, frame, len);
    if (lac->shows_length)
        writer_bytes(&w, "what is behind it", 4);
    g_assert_true(writer_ok(&w));
    struct lac_packet p = {.lac = lac, .bytes = reader_of(bytes, w.len), .n = n};
    worker_call_sync(lac->w, lac_receive_there, &p);
}

static inline void
lac_ppp(struct lac_call *c, uint16_t protocol, uint8_t code, uint8_t id, struct reader data)
{
    uint8_t frame[1600];
    struct writer w = writer_of(frame, sizeof(frame));

    if (!c->bare)
        writer_u16(&w, 0xff03);
    writer_u16(&w, protocol);
    writer_u8(&w, code);
    writer_u8(&w, id);
    writer_u16(&w, (uint16_t)(4 + data.left));
    writer_bytes(&w, data.at, data.left);
    g_assert_true(writer_ok(&w));
    lac_data(c, frame, w.len, 1);
}

#define LAC_PPP(c, protocol, code, id, text) \
    lac_ppp(c, protocol, code, id, reader_of(text, sizeof(text) - 1))

static inline void
lac_ip(struct lac_call *c, const void *ip, size_t len, unsigned n)
{
    uint8_t frame[1600];
    struct writer w = writer_of(frame, sizeof(frame));

    if (!c->bare)
        writer_u16(&w, 0xff03);
    writer_u16(&w, PPP_IP4);
    writer_bytes(&w, ip, len);
    lac_data(c, frame, w.len, n);
}

static inline void
lac_on_lcp(struct lac_call *c, uint8_t code, uint8_t id, struct reader data)
{
    if (code == PPP_CONFIGURE_REQUEST) {
        if (!c->our_lcp)
            LAC_PPP(c, PPP_LCP, PPP_CONFIGURE_REQUEST, 1, "\x01\x04\x05\x78\x02\x06\0\0\0\0");
        c->our_lcp = true;
        const uint8_t *chap = memmem(data.at, data.left, "\x03\x05\xc2\x23\x81", 5);
        if (c->how == LAC_PAP && chap)
            LAC_PPP(c, PPP_LCP, PPP_CONFIGURE_NAK, id, "\x03\x04\xc0\x23");
        else
            lac_ppp(c, PPP_LCP, PPP_CONFIGURE_ACK, id, data);
        c->lcp_up = c->how == LAC_MSCHAP || !chap;
        if (c->how == LAC_PAP && c->lcp_up) {
            uint8_t bytes[512];
            struct writer w = writer_of(bytes, sizeof(bytes));
            writer_u8(&w, (uint8_t)strlen(c->user));
            writer_bytes(&w, c->user, strlen(c->user));
            writer_u8(&w, (uint8_t)strlen(c->password));
            writer_bytes(&w, c->password, strlen(c->password));
            lac_ppp(c, PPP_PAP, 1, 1, reader_of(bytes, w.len));
        }
    } else if (code == PPP_TERMINATE_REQUEST) {
        c->terminated = true;
        LAC_PPP(c, PPP_LCP, PPP_TERMINATE_ACK, id, "");
    } else if (code == PPP_TERMINATE_ACK) {
        c->terminated = true;
    } else if (code == PPP_ECHO_REPLY) {
        c->echoed = true;
    }
}

static inline void
lac_ask_address(struct lac_call *c)
{
    uint8_t option[6] = {3, 6};

    wire_put32(option + 2, c->address);
    lac_ppp(c, PPP_IPCP, PPP_CONFIGURE_REQUEST, ++c->ppp_id, reader_of(option, sizeof(option)));
}

static inline void
lac_on_chap(struct lac_call *c, uint8_t code, uint8_t id, struct reader data)
{
    static const uint8_t mine[MSCHAP_CHALLENGE] = {1, 2, 3, 4, 5, 6, 7};
    uint8_t nt[NT_HASH_SIZE];
    uint8_t hash_hash[NT_HASH_SIZE];
    uint8_t hash[MSCHAP_HASH];
    uint8_t bytes[512] = {49};
    size_t name = strlen(c->user);

    if (code == 1) {
        g_assert_cmpuint(data.at[0], ==, MSCHAP_CHALLENGE);
        nt_hash(c->password, nt);
        mschap_hash_hash(nt, hash_hash);
        memcpy(bytes + 1, mine, sizeof(mine));
        g_assert_true(mschap_challenge_hash(mine, data.at + 1, c->user, hash));
        g_assert_true(mschap_response(hash, nt, bytes + 25));
        g_assert_true(mschap_authenticator(hash_hash, bytes + 25, hash, c->answer));
        memcpy(bytes + 50, c->user, name);
        lac_ppp(c, PPP_CHAP, 2, id, reader_of(bytes, 50 + name));
    } else if (code == 3) {
        g_assert_true(memcmp(data.at, c->answer, 42) == 0);
        c->in = true;
        lac_ask_address(c);
    } else if (code == 4) {
        c->refused = true;
    }
}

static inline void
lac_on_ipcp(struct lac_call *c, uint8_t code, uint8_t id, struct reader data)
{
    if (code == PPP_CONFIGURE_REQUEST) {
        lac_ppp(c, PPP_IPCP, PPP_CONFIGURE_ACK, id, data);
    } else if (code == PPP_CONFIGURE_NAK) {
        c->address = wire_get32(data.at + 2);
        lac_ask_address(c);
    } else if (code == PPP_CONFIGURE_ACK) {
        c->ipcp_up = true;
    }
}

static inline void
lac_on_ppp(struct lac_call *c, struct reader r)
{
    g_assert_cmphex(reader_u16(&r), ==, 0xff03);
    uint16_t protocol = reader_u16(&r);
    if (protocol == PPP_IP4) {
        struct frame f = {.data = (uint8_t *)(uintptr_t)r.at, .len = (uint32_t)r.left};
        heap_add(&c->got, &f);
        return;
    }
    uint8_t code = reader_u8(&r);
    uint8_t id = reader_u8(&r);
    struct reader data = reader_sub(&r, reader_u16(&r) - 4u);
    g_assert_true(reader_ok(&data));
    if (protocol == PPP_LCP)
        lac_on_lcp(c, code, id, data);
    else if (protocol == PPP_CHAP)
        lac_on_chap(c, code, id, data);
    else if (protocol == PPP_IPCP)
        lac_on_ipcp(c, code, id, data);
    else if (protocol == PPP_IPV6CP && code == PPP_CONFIGURE_REQUEST)
        lac_ppp(c, PPP_IPV6CP, PPP_CONFIGURE_ACK, id, data);
    else if (protocol == PPP_PAP && code == 2) {
        c->in = true;
        lac_ask_address(c);
    } else if (protocol == PPP_PAP) {
        c->refused = true;
    }
}

/* ---- turns ---- */

static inline void
lac_take(struct lac *lac, GBytes *b)
{
    struct l2tp_header h;
    struct reader packet = reader_of(g_bytes_get_data(b, NULL), g_bytes_get_size(b));

    g_assert_true(l2tp_header_parse(packet, &h));
    if (lac->silent)
        return;
    if (h.is_control) {
        lac_hears(lac, &h);
        return;
    }
    g_assert_cmpuint(h.tunnel, ==, LAC_TUNNEL);
    struct lac_call *c = lac_call_of(lac, h.session);
    g_assert_true(h.has_sequence == c->sequenced);
    lac_on_ppp(c, h.payload);
}

/* Whatever has come, and the main loop, which auth needs. */
static inline void
lac_turn(struct lac *lac)
{
    GBytes *b = NULL;

    while (g_main_context_iteration(NULL, FALSE))
        continue;
    worker_call_sync(lac->w, lab_nothing, NULL);
    while ((b = g_async_queue_try_pop(lac->sent)) != NULL) {
        lac_take(lac, b);
        g_bytes_unref(b);
    }
    g_usleep(200);
}

#define lac_until(lac, condition)                                          \
    do {                                                                   \
        int64_t lac_end_us = clock_now_us() + LAC_WAIT_MS * (int64_t)1000; \
        while (!(condition)) {                                             \
            g_assert_cmpint(clock_now_us(), <, lac_end_us);                \
            lac_turn(lac);                                                 \
        }                                                                  \
    } while (0)

static inline void
lac_pause(struct lac *lac, unsigned ms)
{
    int64_t end_us = clock_now_us() + ms * INT64_C(1000);

    while (clock_now_us() < end_us)
        lac_turn(lac);
}

static inline void
lac_init(struct lac *lac, struct lab *lab, const struct carrier_service *service)
{
    memset(lac, 0, sizeof(*lac));
    lac->lab = lab;
    lac->w = worker_set_get(lab->set, 0);
    lac->service = service;
    lac->sent = g_async_queue_new_full((GDestroyNotify)g_bytes_unref);
    lac->carrier = (struct carrier){.ops = &lac_carrier_ops,
                                    .service = service,
                                    .worker = lac->w,
                                    .remote = {.ip = ip_from_v4(0xc0000201), .port = 4500},
                                    .local = {.ip = ip_from_v4(0xc0000202), .port = 4500},
                                    .protocol = CARRIER_UDP,
                                    .remote_port = 1701,
                                    .mtu = 1430,
                                    .proven = true,
                                    .below = "IPsec",
                                    .cipher = "AES-256-GCM"};
    for (unsigned i = 0; i < LAC_CALLS; i++) {
        lac->call[i] = (struct lac_call){
            .lac = lac, .id = (uint16_t)(LAC_SESSION + i), .user = "alice", .password = "secret"};
        heap_init(&lac->call[i].got);
    }
}

static inline void
lac_done(struct lac *lac)
{
    worker_call_sync(lac->w, lac_close_there, lac);
    lab_settle(lac->lab);
    for (unsigned i = 0; i < LAC_CALLS; i++)
        heap_done(&lac->call[i].got);
    g_async_queue_unref(lac->sent);
}

static inline void
lac_open(struct lac *lac)
{
    lac_sccrq(lac);
    lac_until(lac, lac->n_sccrp > 0);
}

/* All the way. */
static inline struct lac_call *
lac_login(struct lac *lac, unsigned i, enum lac_how how)
{
    struct lac_call *c = &lac->call[i];

    c->how = how;
    lac_icrq(c);
    lac_until(lac, c->ipcp_up);
    return c;
}
