/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ovpn-control.c - OpenVPN's control packets, as they come and behind each kind of wrapping.
 *
 * Input: one byte (which key; 0x80: the rest is an unwrapped packet that is wrapped first), then a
 * packet. Laws: what is opened lies within what came and has at most eight acks; what was not
 * opened left the result alone; an unwrapped packet comes out of each wrapping as it went in, once.
 */

#include "core/proto/openvpn/wrap.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/openvpn/genuine.h"

enum { N_KEYS = 5, ROOM = OVPN_PACKET_MAX + 256 };

struct lab {
    struct ovpn_wrap client, server;
    uint8_t bytes[ROOM];
};

/* 0 none, 1 and 2 tls-auth, 3 tls-crypt, 4 tls-crypt-v2's. */
static void
begin(struct lab *lab, unsigned which)
{
    uint8_t key[2 * OVPN_STATIC_KEY];
    struct ovpn_wrap_key *k[2] = {NULL, NULL};

    g_assert(ovpn_static_key_parse(genuine_static, key));
    memcpy(key + OVPN_STATIC_KEY, key, OVPN_STATIC_KEY);
    for (unsigned i = 0; i < 2; i++) {
        if (which == 1 || which == 2)
            k[i] = ovpn_wrap_key_new(OVPN_WRAP_AUTH, key, OVPN_STATIC_KEY,
                                     which == 1 ? "SHA1" : "SHA512", (int)i);
        else if (which >= 3)
            k[i] = ovpn_wrap_key_new(OVPN_WRAP_CRYPT, key + i * 128, OVPN_STATIC_KEY, NULL, 0);
    }
    ovpn_wrap_begin(&lab->server, k[0]);
    ovpn_wrap_begin(&lab->client, k[1]);
    ovpn_wrap_key_unref(k[0]);
    ovpn_wrap_key_unref(k[1]);
}

static void
end(struct lab *lab)
{
    ovpn_wrap_end(&lab->client);
    ovpn_wrap_end(&lab->server);
    g_free(lab);
}

static void
check(const struct ovpn_control *c, const uint8_t *packet, size_t len)
{
    g_assert(c->n_acks <= OVPN_ACKS_MAX);
    g_assert(c->has_id == (c->op != OVPN_ACK_V1));
    g_assert(c->payload.left == 0 ||
             (c->payload.at >= packet && c->payload.at + c->payload.left <= packet + len));
}

static bool
same(const struct ovpn_control *a, const struct ovpn_control *b)
{
    return a->op == b->op && a->key_id == b->key_id && memcmp(a->sid, b->sid, OVPN_SID) == 0 &&
           a->n_acks == b->n_acks && memcmp(a->ack, b->ack, a->n_acks * sizeof(a->ack[0])) == 0 &&
           (a->n_acks == 0 || memcmp(a->peer_sid, b->peer_sid, OVPN_SID) == 0) && a->id == b->id &&
           a->payload.left == b->payload.left &&
           (a->payload.left == 0 || memcmp(a->payload.at, b->payload.at, a->payload.left) == 0);
}

/* Wraps what is a packet by itself, opens it at the other side, and again. */
static void
round_trip(struct lab *lab, const uint8_t *data, size_t size)
{
    struct ovpn_wrap none = {0};
    g_autofree uint8_t *plain = g_memdup2(data, size);
    struct ovpn_control c;
    struct ovpn_control got;
    struct writer w = writer_of(lab->bytes, OVPN_PACKET_MAX);

    if (size == 0 || ovpn_wrap_open(&none, plain, size, true, &c) != DROP_NONE)
        return;
    check(&c, plain, size);
    if (!ovpn_wrap_seal(&lab->client, &c, 0x66000000, &w))
        return;
    g_autofree uint8_t *again = g_memdup2(lab->bytes, w.len);
    g_assert(ovpn_wrap_open(&lab->server, lab->bytes, w.len, true, &got) == DROP_NONE);
    g_assert(same(&c, &got));
    if (lab->server.key)
        g_assert(ovpn_wrap_open(&lab->server, again, w.len, true, &got) == DROP_POLICY);
}

static void
as_it_came(struct lab *lab, size_t size)
{
    struct ovpn_control c = {.id = 4711};

    (void)ovpn_wrap_packet_id(&lab->server, lab->bytes, size);
    if (ovpn_wrap_open(&lab->server, lab->bytes, size, false, &c) == DROP_NONE)
        check(&c, lab->bytes, size);
    else
        g_assert(c.id == 4711);
}

static void
with_wrapped_key(struct lab *lab, size_t size)
{
    uint8_t key[OVPN_V2_SERVER_KEY];
    size_t len = size;

    g_assert(ovpn_v2_server_key_parse(genuine_v2_server, key));
    struct ovpn_wrap_key *server = ovpn_wrap_key_new(OVPN_WRAP_CRYPT_V2, key, sizeof(key), NULL, 0);
    struct ovpn_wrap_key *client = ovpn_wrap_open_wkc(server, lab->bytes, &len);
    g_assert(len <= size && (client != NULL) == (len < size));
    if (client) {
        ovpn_wrap_end(&lab->server);
        ovpn_wrap_begin(&lab->server, client);
        as_it_came(lab, len);
    }
    ovpn_wrap_key_unref(client);
    ovpn_wrap_key_unref(server);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > OVPN_PACKET_MAX + 1)
        return 0;
    struct lab *lab = g_new0(struct lab, 1);
    unsigned which = (data[0] & 0x7f) % N_KEYS;
    bool wrap_it = data[0] & 0x80;

    data++;
    size--;
    begin(lab, which);
    int first = ovpn_recognise_stream(reader_of(data, size));
    g_assert(first >= -1 && first <= 1 && (size < 3 || first >= 0));
    memcpy(lab->bytes, data, size);
    if (wrap_it)
        round_trip(lab, data, size);
    else if (which == N_KEYS - 1)
        with_wrapped_key(lab, size);
    else
        as_it_came(lab, size);
    end(lab);
    return 0;
}
