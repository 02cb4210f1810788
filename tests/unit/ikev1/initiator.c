/* SPDX-License-Identifier: Apache-2.0 */
/* initiator.c - see initiator.h. */

#include "tests/unit/ikev1/initiator.h"

#include "core/base/secret.h"

#include <glib.h>

enum { WEAK_ALL = 15, DOI = 1, X509_SIGNATURE = 4 };

static struct pf_slice
slice(const void *at, size_t len)
{
    return (struct pf_slice){.at = (void *)(uintptr_t)at, .len = len};
}

static struct pf_slice
of(const struct secret *s)
{
    return s ? slice(s->bytes, s->len) : slice("", 0);
}

static void
set(struct secret **s, const void *at, size_t len)
{
    secret_free(*s);
    *s = secret_new(at, len);
}

void
initiator_init(struct initiator *i, const struct initiator_config *c)
{
    memset(i, 0, sizeof(*i));
    i->c = *c;
    i->psk = c->psk ? secret_text(c->psk) : NULL;
    i->answer_dpd = true;
    i->next_id = 0x1000;
    memcpy(i->cookies, "initiatr", 8);
    set(&i->nonce_i, "nonce of the initiator!!", 24);
}

void
initiator_done(struct initiator *i)
{
    struct secret *held[] = {i->psk,      i->sa,     i->id,        i->nonce_i,   i->nonce_r,
                             i->public_i, i->shared, i->q_nonce_i, i->q_nonce_r, i->public_r};

    for (size_t n = 0; n < G_N_ELEMENTS(held); n++)
        secret_free(held[n]);
    ike1_dh_free(i->dh);
    ike1_dh_free(i->q_dh);
    X509_free(i->peer_cert);
}

static struct ike1_ingredients
ingredients(const struct initiator *i)
{
    return (struct ike1_ingredients){of(i->nonce_i),
                                     of(i->nonce_r),
                                     of(i->shared),
                                     of(i->public_i),
                                     of(i->public_r),
                                     i->cookies,
                                     i->c.suite.auth == IKE1_RSA ? NULL : i->psk};
}

/* ---- writing ---- */

struct out {
    struct writer w;
    struct isakmp_writer m;
};

static void
begin(struct initiator *i, struct out *o, uint8_t exchange, uint8_t flags, uint32_t message_id)
{
    struct isakmp_header h = {.exchange = exchange, .flags = flags, .message_id = message_id};

    memcpy(h.initiator, i->cookies, 8);
    memcpy(h.responder, i->cookies + 8, 8);
    o->w = writer_of(i->out, sizeof(i->out));
    isakmp_begin(&o->m, &o->w, &h);
}

static void
end_clear(struct initiator *i, struct out *o)
{
    isakmp_end(&o->m);
    g_assert_true(writer_ok(&o->w));
    i->out_len = o->w.len;
}

static void
end_encrypted(struct initiator *i, struct out *o, uint8_t *iv)
{
    isakmp_end_padded(&o->m, ike1_block_size(i->c.suite.cipher));
    g_assert_true(writer_ok(&o->w));
    g_assert_true(ike1_encrypt(&i->keys, iv, i->out + ISAKMP_HEADER, o->w.len - ISAKMP_HEADER));
    i->out_len = o->w.len;
}

/* The hash of phase 2's messages: at is where its bytes are, extra the nonce for the second. */
static void
prf_of(const struct initiator *i, uint32_t message_id, struct pf_slice extra, struct pf_slice rest,
       uint8_t *out)
{
    uint8_t id[4];
    struct writer w = writer_of(id, 4);

    writer_u32(&w, message_id);
    struct pf_slice part[] = {slice(id, 4), extra, rest};
    g_assert_true(
        ike1_prf(i->c.suite.hash, i->keys.a, ike1_hash_size(i->c.suite.hash), part, 3, out));
}

static void
fill_hash(struct initiator *i, struct out *o, uint32_t message_id, struct pf_slice extra)
{
    size_t size = ike1_hash_size(i->c.suite.hash);
    size_t at = ISAKMP_HEADER + 4;
    uint8_t hash[IKE1_HASH_MAX];

    isakmp_end(&o->m);
    prf_of(i, message_id, extra, slice(i->out + at + size, o->w.len - at - size), hash);
    memcpy(i->out + at, hash, size);
}

static void
begin_hash(struct initiator *i, struct out *o)
{
    isakmp_payload_begin(&o->m, ISAKMP_HASH);
    writer_zero(&o->w, ike1_hash_size(i->c.suite.hash));
}

static void
attribute(struct writer *w, uint16_t type, uint16_t value)
{
    writer_u16(w, 0x8000 | type);
    writer_u16(w, value);
}

/* One proposal with one transform, as RFC 2407 has it. */
static void
write_sa(struct initiator *i, struct writer *w)
{
    static const uint16_t hash[] = {1, 2, 4, 5, 6};
    const struct ike1_suite *s = &i->c.suite;
    size_t start = w->len;
    bool aes = s->cipher == IKE1_AES_CBC;
    uint16_t transform = (uint16_t)(8 + 4 * (aes ? 6 : 5) + 4);

    writer_u32(w, DOI);
    writer_u32(w, 1);
    writer_u16(w, 0);
    writer_u16(w, 8 + transform);
    writer_u8(w, 1);
    writer_u8(w, 1); /* ISAKMP */
    writer_u8(w, 0);
    writer_u8(w, 1);
    writer_u16(w, 0);
    writer_u16(w, transform);
    writer_u8(w, 1);
    writer_u8(w, 1);
    writer_u16(w, 0);
    attribute(w, 1, aes ? 7 : 5);
    if (aes)
        attribute(w, 14, (uint16_t)s->key_bits);
    attribute(w, 2, hash[s->hash]);
    attribute(w, 3, (uint16_t)s->auth);
    attribute(w, 4, s->group);
    attribute(w, 11, 1);
    writer_u16(w, 12);
    writer_u16(w, 4);
    writer_u32(w, s->life_s);
    g_assert_true(writer_ok(w));
    /* that was one TV too many in the sum, and a TLV of 8 octets */
    size_t body = w->len - start;
    w->start[start + 11] = (uint8_t)(body - 8);
    w->start[start + 8 + 8 + 3] = (uint8_t)(body - 16);
    set(&i->sa, w->start + start, body);
}

static void
write_id(struct initiator *i, struct writer *w)
{
    size_t at = w->len;

    if (i->c.fqdn)
        ike1_id_write(w, IKE1_ID_FQDN, i->c.fqdn, strlen(i->c.fqdn));
    else if (i->c.suite.auth == IKE1_RSA) {
        uint8_t *der = NULL;
        int len = i2d_X509_NAME(X509_get_subject_name(i->c.cert), &der);
        ike1_id_write(w, IKE1_ID_DN, der, (size_t)len);
        OPENSSL_free(der);
    } else
        ike1_id_write_ip(w, &i->c.us.ip, 17, 500);
    set(&i->id, w->start + at, w->len - at);
}

static void
write_vendors(const struct initiator *i, struct out *o)
{
    for (unsigned v = 1; v <= i->c.vendors; v <<= 1) {
        if (!(i->c.vendors & v))
            continue;
        struct reader bytes = ike1_vendor_bytes((enum ike1_vendor)v);
        isakmp_payload_add(&o->m, ISAKMP_VENDOR, bytes.at, bytes.left);
    }
}

static uint8_t
nat_type(const struct initiator *i)
{
    if (i->answered_vendors & IKE1_VENDOR_NATT_RFC)
        return ISAKMP_NAT_D;
    if (i->answered_vendors &
        (IKE1_VENDOR_NATT_DRAFT02 | IKE1_VENDOR_NATT_DRAFT02N | IKE1_VENDOR_NATT_DRAFT03))
        return ISAKMP_NAT_D_DRAFT;
    return 0;
}

static void
write_nat(const struct initiator *i, struct out *o)
{
    size_t size = ike1_hash_size(i->c.suite.hash);
    uint8_t hash[IKE1_HASH_MAX];
    const struct endpoint *e[] = {&i->c.peer, &i->c.us};

    if (nat_type(i) == 0)
        return;
    for (unsigned n = 0; n < 2; n++) {
        g_assert_true(ike1_nat_hash(i->c.suite.hash, i->cookies, e[n], hash));
        isakmp_payload_add(&o->m, nat_type(i), hash, size);
    }
}

static void
begin_dh(struct initiator *i)
{
    i->dh = ike1_dh_begin(i->c.suite.group);
    g_assert_nonnull(i->dh);
    ike1_dh_compute(i->dh);
    struct pf_slice ours = ike1_dh_public(i->dh);
    set(&i->public_i, ours.at, ours.len);
}

void
initiator_begin(struct initiator *i)
{
    struct out o;

    begin(i, &o, i->c.aggressive ? ISAKMP_AGGRESSIVE : ISAKMP_MAIN, 0, 0);
    isakmp_payload_begin(&o.m, ISAKMP_SA);
    write_sa(i, &o.w);
    if (i->c.aggressive) {
        begin_dh(i);
        isakmp_payload_add(&o.m, ISAKMP_KE, i->public_i->bytes, i->public_i->len);
        isakmp_payload_add(&o.m, ISAKMP_NONCE, i->nonce_i->bytes, i->nonce_i->len);
        isakmp_payload_begin(&o.m, ISAKMP_ID);
        write_id(i, &o.w);
    }
    write_vendors(i, &o);
    end_clear(i, &o);
}

/* ---- phase 1 ---- */

static void
read_vendors(struct initiator *i, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *p;

    for (unsigned n = 0; (p = isakmp_find(all, ISAKMP_VENDOR, n)); n++)
        i->answered_vendors |= ike1_vendor_of(p->body);
}

static void
read_nat(struct initiator *i, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *ours = isakmp_find(all, nat_type(i), 0);
    const struct isakmp_payload *its = isakmp_find(all, nat_type(i), 1);
    uint8_t hash[IKE1_HASH_MAX];

    if (nat_type(i) == 0 || !ours || !its)
        return;
    i->has_nat_d = true;
    g_assert_true(ike1_nat_hash(i->c.suite.hash, i->cookies, &i->c.us, hash));
    i->nat_of_us = memcmp(hash, ours->body.at, ours->body.left) != 0;
    g_assert_true(ike1_nat_hash(i->c.suite.hash, i->cookies, &i->c.peer, hash));
    i->nat_of_peer = memcmp(hash, its->body.at, its->body.left) != 0;
}

static void
send_3(struct initiator *i)
{
    struct out o;

    begin_dh(i);
    begin(i, &o, ISAKMP_MAIN, 0, 0);
    isakmp_payload_add(&o.m, ISAKMP_KE, i->public_i->bytes, i->public_i->len);
    isakmp_payload_add(&o.m, ISAKMP_NONCE, i->nonce_i->bytes, i->nonce_i->len);
    if (i->c.suite.auth == IKE1_RSA && !i->c.no_cert_request) {
        uint8_t encoding = X509_SIGNATURE;
        isakmp_payload_add(&o.m, ISAKMP_CERT_REQUEST, &encoding, 1);
    }
    write_nat(i, &o);
    end_clear(i, &o);
    i->sent_first = 3;
}

/* The peer's half; false: it is not there. */
static bool
take_half(struct initiator *i, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *ke = isakmp_find(all, ISAKMP_KE, 0);
    const struct isakmp_payload *nonce = isakmp_find(all, ISAKMP_NONCE, 0);

    if (!ke || !nonce || !ike1_dh_set_peer(i->dh, ke->body))
        return false;
    ike1_dh_compute(i->dh);
    struct pf_slice shared = ike1_dh_shared(i->dh);
    g_assert_cmpuint(shared.len, >, 0);
    set(&i->shared, shared.at, shared.len);
    set(&i->public_r, ke->body.at, ke->body.left);
    set(&i->nonce_r, nonce->body.at, nonce->body.left);
    struct ike1_ingredients from = ingredients(i);
    g_assert_true(ike1_keys_make(&i->keys, &i->c.suite, &from));
    return true;
}

static void
write_cert(struct out *o, X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);

    isakmp_payload_begin(&o->m, ISAKMP_CERT);
    writer_u8(&o->w, X509_SIGNATURE);
    writer_bytes(&o->w, der, (size_t)len);
    OPENSSL_free(der);
}

static void
write_proof(struct initiator *i, struct out *o)
{
    struct ike1_ingredients from = ingredients(i);
    size_t size = ike1_hash_size(i->c.suite.hash);
    uint8_t hash[IKE1_HASH_MAX];

    g_assert_true(ike1_auth_hash(&i->keys, &from, true, of(i->sa), of(i->id), hash));
    if (i->c.suite.auth != IKE1_RSA) {
        isakmp_payload_add(&o->m, ISAKMP_HASH, hash, size);
        return;
    }
    write_cert(o, i->c.cert);
    if (i->c.other_cert)
        write_cert(o, i->c.other_cert);
    uint8_t signature[1024];
    size_t n = sizeof(signature);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(i->c.key, NULL);
    g_assert_cmpint(EVP_PKEY_sign_init(ctx), >, 0);
    g_assert_cmpint(EVP_PKEY_sign(ctx, signature, &n, hash, size), >, 0);
    EVP_PKEY_CTX_free(ctx);
    isakmp_payload_add(&o->m, ISAKMP_SIGNATURE, signature, n);
}

static void
send_5(struct initiator *i)
{
    struct out o;

    begin(i, &o, ISAKMP_MAIN, ISAKMP_ENCRYPTED, 0);
    isakmp_payload_begin(&o.m, ISAKMP_ID);
    write_id(i, &o.w);
    write_proof(i, &o);
    if (i->c.initial_contact) {
        static const uint8_t notice[] = {0, 0, 0, 1, 1, 0, 0x60, 0x02};
        isakmp_payload_add(&o.m, ISAKMP_NOTIFY, notice, sizeof(notice));
    }
    end_encrypted(i, &o, i->keys.iv);
    i->sent_first = 5;
}

static bool
verify(struct initiator *i, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *id = isakmp_find(all, ISAKMP_ID, 0);
    const struct isakmp_payload *hash = isakmp_find(all, ISAKMP_HASH, 0);
    const struct isakmp_payload *cert = isakmp_find(all, ISAKMP_CERT, 0);
    const struct isakmp_payload *sig = isakmp_find(all, ISAKMP_SIGNATURE, 0);
    struct ike1_ingredients from = ingredients(i);
    size_t size = ike1_hash_size(i->c.suite.hash);
    uint8_t want[IKE1_HASH_MAX];

    if (!id ||
        !ike1_auth_hash(&i->keys, &from, false, of(i->sa), slice(id->body.at, id->body.left), want))
        return false;
    if (i->c.suite.auth != IKE1_RSA)
        return hash && hash->body.left == size && memcmp(hash->body.at, want, size) == 0;
    if (!cert || !sig)
        return i->c.no_cert_request && !cert && sig;
    while (isakmp_find(all, ISAKMP_CERT, i->peer_certs))
        i->peer_certs++;
    const uint8_t *at = cert->body.at + 1;
    i->peer_cert = d2i_X509(NULL, &at, (long)cert->body.left - 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(X509_get0_pubkey(i->peer_cert), NULL);
    bool ok = EVP_PKEY_verify_init(ctx) > 0 &&
              EVP_PKEY_verify(ctx, sig->body.at, sig->body.left, want, size) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static void
aggressive_2(struct initiator *i, const struct isakmp_payloads *all)
{
    struct out o;

    read_vendors(i, all);
    if (!take_half(i, all) || !verify(i, all)) {
        i->failed = true;
        return;
    }
    read_nat(i, all);
    begin(i, &o, ISAKMP_AGGRESSIVE, i->c.clear_3 ? 0 : ISAKMP_ENCRYPTED, 0);
    write_proof(i, &o);
    write_nat(i, &o);
    if (i->c.clear_3)
        end_clear(i, &o);
    else
        end_encrypted(i, &o, i->keys.iv);
    i->up = true;
}

static void
phase_1(struct initiator *i, const struct isakmp_header *h, struct reader body)
{
    struct isakmp_payloads all;

    if (i->up)
        return;
    if (!(h->flags & ISAKMP_ENCRYPTED)) {
        if (!isakmp_payloads_read(body, h->next, &all))
            return;
        if (i->c.aggressive && !i->shared) {
            memcpy(i->cookies + 8, h->responder, 8);
            aggressive_2(i, &all);
        } else if (isakmp_find(&all, ISAKMP_SA, 0) && i->sent_first < 3) {
            memcpy(i->cookies + 8, h->responder, 8);
            read_vendors(i, &all);
            send_3(i);
        } else if (i->sent_first == 3 && take_half(i, &all)) {
            read_nat(i, &all);
            send_5(i);
        }
        return;
    }
    struct secret *plain = secret_new(body.at, body.left);
    if (i->sent_first == 5 && ike1_decrypt(&i->keys, i->keys.iv, plain->bytes, plain->len) &&
        isakmp_payloads_read(reader_of(plain->bytes, plain->len), h->next, &all))
        i->up = verify(i, &all);
    i->failed = !i->up;
    secret_free(plain);
}

/* ---- phase 2 ---- */

static void
write_original(struct out *o, const struct endpoint *e)
{
    isakmp_payload_begin(&o->m, ISAKMP_NAT_OA);
    writer_u32(&o->w, (uint32_t)IKE1_ID_IPV4 << 24);
    writer_bytes(&o->w, e->ip.b, 4);
}

static void
write_quick(struct initiator *i, struct out *o)
{
    const struct initiator_quick *q = &i->q;

    isakmp_payload_begin(&o->m, ISAKMP_SA);
    if (q->foreign_sa.left > 0)
        writer_bytes(&o->w, q->foreign_sa.at, q->foreign_sa.left);
    else
        ike1_write_child_offer(&o->w, &q->suite, q->nat, q->spi);
    isakmp_payload_add(&o->m, ISAKMP_NONCE, i->q_nonce_i->bytes, i->q_nonce_i->len);
    if (i->q_dh) {
        struct pf_slice ours = ike1_dh_public(i->q_dh);
        isakmp_payload_add(&o->m, ISAKMP_KE, ours.at, ours.len);
    }
    if (q->ids) {
        isakmp_payload_begin(&o->m, ISAKMP_ID);
        if (q->fqdn_id)
            ike1_id_write(&o->w, IKE1_ID_FQDN, "old.windows", 11);
        else
            ike1_id_write_ip(&o->w, &i->c.us.ip, 17, 1701);
        isakmp_payload_begin(&o->m, ISAKMP_ID);
        ike1_id_write_ip(&o->w, &i->c.peer.ip, 17, 1701);
    }
    if (q->original) {
        write_original(o, &i->c.us);
        write_original(o, &i->c.peer);
    }
}

void
initiator_quick(struct initiator *i, const struct initiator_quick *q)
{
    uint8_t nonce[20] = "quick nonce";
    struct out o;

    i->q = *q;
    i->q_id = ++i->next_id;
    i->q_theirs = false;
    nonce[19] = (uint8_t)i->q_id;
    set(&i->q_nonce_i, nonce, sizeof(nonce));
    ike1_dh_free(i->q_dh);
    i->q_dh = NULL;
    if (q->suite.group != 0) {
        i->q_dh = ike1_dh_begin(q->suite.group);
        ike1_dh_compute(i->q_dh);
    }
    uint8_t flags = ISAKMP_ENCRYPTED | (q->commit ? ISAKMP_COMMIT : 0);
    begin(i, &o, ISAKMP_QUICK, flags, i->q_id);
    begin_hash(i, &o);
    write_quick(i, &o);
    fill_hash(i, &o, i->q_id, slice("", 0));
    g_assert_true(ike1_exchange_iv(&i->keys, i->q_id, i->q_iv));
    end_encrypted(i, &o, i->q_iv);
}

static void
make_child(struct initiator *i, uint32_t spi_out, struct pf_slice shared)
{
    size_t len = esp_keymat_size(&i->q.suite.esp);
    struct initiator_child *c = &i->child;
    const struct ike1_child_ingredients from = {shared, of(i->q_nonce_i), of(i->q_nonce_r)};

    c->spi_in = i->q.spi;
    c->spi_out = spi_out;
    g_assert_true(ike1_keymat(&i->keys, &from, c->spi_in, c->in, len));
    g_assert_true(ike1_keymat(&i->keys, &from, c->spi_out, c->out, len));
    i->children++;
}

static void
write_3(struct initiator *i)
{
    uint8_t zero_id[5] = {0};
    uint8_t hash[IKE1_HASH_MAX];
    size_t size = ike1_hash_size(i->c.suite.hash);
    struct writer w = writer_of(zero_id + 1, 4);
    struct out o;

    writer_u32(&w, i->q_id);
    struct pf_slice part[] = {slice(zero_id, 5), of(i->q_nonce_i), of(i->q_nonce_r)};
    g_assert_true(ike1_prf(i->c.suite.hash, i->keys.a, size, part, 3, hash));
    begin(i, &o, ISAKMP_QUICK, ISAKMP_ENCRYPTED, i->q_id);
    isakmp_payload_add(&o.m, ISAKMP_HASH, hash, size);
    end_encrypted(i, &o, i->q_iv);
}

static bool
choose(struct initiator *i, const struct isakmp_payloads *all, struct ike1_choice *choice)
{
    const struct isakmp_payload *ke = isakmp_find(all, ISAKMP_KE, 0);
    struct reader sa = isakmp_find(all, ISAKMP_SA, 0)->body;
    struct ike1_child_want want = {
        .nat = i->q.nat, .weak = WEAK_ALL, .public_len = ke ? ke->body.left : 0};

    return ike1_choose_child(sa, &want, &i->q.suite, choice) == IKE1_OFFER_TAKEN;
}

static struct pf_slice
quick_shared(struct initiator *i, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *ke = isakmp_find(all, ISAKMP_KE, 0);

    if (!i->q_dh)
        return slice("", 0);
    g_assert_nonnull(ke);
    g_assert_true(ike1_dh_set_peer(i->q_dh, ke->body));
    ike1_dh_compute(i->q_dh);
    return ike1_dh_shared(i->q_dh);
}

static void
quick_2(struct initiator *i, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *sa = isakmp_find(all, ISAKMP_SA, 0);
    const struct isakmp_payload *nonce = isakmp_find(all, ISAKMP_NONCE, 0);
    const struct isakmp_payload *id = isakmp_find(all, ISAKMP_ID, 0);
    struct ike1_choice choice;

    g_assert_true(sa && nonce);
    set(&i->q_nonce_r, nonce->body.at, nonce->body.left);
    g_assert_true(choose(i, all, &choice));
    i->q_ids_echoed = id != NULL;
    struct reader spi = choice.spi;
    make_child(i, reader_u32(&spi), quick_shared(i, all));
    write_3(i);
}

/* A quick mode that the server begins: we take what it offers. */
static void
theirs_1(struct initiator *i, uint32_t message_id, const struct isakmp_payloads *all)
{
    const struct isakmp_payload *sa = isakmp_find(all, ISAKMP_SA, 0);
    const struct isakmp_payload *nonce = isakmp_find(all, ISAKMP_NONCE, 0);
    const struct isakmp_payload *ke = isakmp_find(all, ISAKMP_KE, 0);
    const struct isakmp_payload *id;
    struct ike1_choice choice;
    struct out o;

    g_assert_true(sa && nonce);
    i->q_id = message_id;
    i->q_theirs = true;
    g_assert_true(choose(i, all, &choice));
    i->q.spi++;
    set(&i->q_nonce_i, nonce->body.at, nonce->body.left);
    set(&i->q_nonce_r, "nonce of a client as responder", 30);
    ike1_dh_free(i->q_dh);
    i->q_dh = ke ? ike1_dh_begin(i->q.suite.group) : NULL;
    struct pf_slice shared = quick_shared(i, all);
    begin(i, &o, ISAKMP_QUICK, ISAKMP_ENCRYPTED, message_id);
    begin_hash(i, &o);
    isakmp_payload_begin(&o.m, ISAKMP_SA);
    ike1_write_choice(&o.w, &choice, i->q.spi);
    isakmp_payload_add(&o.m, ISAKMP_NONCE, i->q_nonce_r->bytes, i->q_nonce_r->len);
    if (i->q_dh)
        isakmp_payload_add(&o.m, ISAKMP_KE, ike1_dh_public(i->q_dh).at,
                           ike1_dh_public(i->q_dh).len);
    for (unsigned n = 0; (id = isakmp_find(all, ISAKMP_ID, n)); n++)
        isakmp_payload_add(&o.m, ISAKMP_ID, id->body.at, id->body.left);
    fill_hash(i, &o, message_id, of(i->q_nonce_i));
    end_encrypted(i, &o, i->q_iv);
    struct reader spi = choice.spi;
    make_child(i, reader_u32(&spi), shared);
}

/* ---- informational ---- */

void
initiator_raw(struct initiator *i, uint8_t exchange, uint32_t message_id, uint8_t first,
              struct reader payloads)
{
    uint8_t iv[IKE1_BLOCK_MAX];
    struct out o;

    begin(i, &o, exchange, ISAKMP_ENCRYPTED, message_id);
    begin_hash(i, &o);
    size_t at = o.w.len;
    isakmp_end(&o.m);
    i->out[ISAKMP_HEADER] = first;
    writer_bytes(&o.w, payloads.at, payloads.left);
    uint8_t hash[IKE1_HASH_MAX];
    prf_of(i, message_id, slice("", 0), slice(payloads.at, payloads.left), hash);
    memcpy(i->out + ISAKMP_HEADER + 4, hash, at - ISAKMP_HEADER - 4);
    g_assert_true(ike1_exchange_iv(&i->keys, message_id, iv));
    end_encrypted(i, &o, iv);
}

void
initiator_info(struct initiator *i, uint8_t type, const void *body, size_t len)
{
    uint8_t iv[IKE1_BLOCK_MAX];
    uint32_t id = ++i->next_id;
    struct out o;

    begin(i, &o, ISAKMP_INFORMATIONAL, ISAKMP_ENCRYPTED, id);
    begin_hash(i, &o);
    isakmp_payload_add(&o.m, type, body, len);
    fill_hash(i, &o, id, slice("", 0));
    g_assert_true(ike1_exchange_iv(&i->keys, id, iv));
    end_encrypted(i, &o, iv);
}

void
initiator_dpd(struct initiator *i, uint16_t type, uint32_t seq)
{
    uint8_t body[64];
    struct writer w = writer_of(body, sizeof(body));

    writer_u32(&w, DOI);
    writer_u8(&w, 1);
    writer_u8(&w, 16);
    writer_u16(&w, type);
    writer_bytes(&w, i->cookies, 16);
    writer_u32(&w, seq);
    initiator_info(i, ISAKMP_NOTIFY, body, w.len);
}

void
initiator_delete_esp(struct initiator *i, uint32_t spi)
{
    uint8_t body[16];
    struct writer w = writer_of(body, sizeof(body));

    writer_u32(&w, DOI);
    writer_u32(&w, 0x03040001);
    writer_u32(&w, spi);
    initiator_info(i, ISAKMP_DELETE, body, w.len);
}

void
initiator_delete_sa(struct initiator *i)
{
    uint8_t body[32];
    struct writer w = writer_of(body, sizeof(body));

    writer_u32(&w, DOI);
    writer_u32(&w, 0x01100001);
    writer_bytes(&w, i->cookies, 16);
    initiator_info(i, ISAKMP_DELETE, body, w.len);
}

static void
on_notify(struct initiator *i, struct reader r)
{
    (void)reader_u32(&r);
    (void)reader_u8(&r);
    uint8_t spi = reader_u8(&r);
    uint16_t type = reader_u16(&r);
    (void)reader_take(&r, spi);

    i->last_notify = type;
    if (type == 16384)
        i->connected++;
    if (type != 36136 && type != 36137)
        return;
    i->last_seq = reader_u32(&r);
    if (type == 36137)
        i->acks++;
    else {
        i->questions++;
        if (i->answer_dpd)
            initiator_dpd(i, 36137, i->last_seq);
    }
}

static void
on_delete(struct initiator *i, struct reader r)
{
    (void)reader_u32(&r);
    uint8_t protocol = reader_u8(&r);
    (void)reader_u8(&r);
    uint16_t n = reader_u16(&r);

    if (protocol == 1)
        i->deletes_sa += n;
    else {
        i->deletes_esp += n;
        i->last_deleted = reader_u32(&r);
    }
}

/* ---- in ---- */

static bool
hash_is(const struct initiator *i, const struct isakmp_header *h, const struct isakmp_payloads *all,
        struct pf_slice extra)
{
    size_t size = ike1_hash_size(i->c.suite.hash);
    uint8_t want[IKE1_HASH_MAX];

    if (all->n == 0 || all->p[0].type != ISAKMP_HASH || all->p[0].body.left != size)
        return false;
    const uint8_t *rest = all->p[0].body.at + size;
    prf_of(i, h->message_id, extra, slice(rest, (size_t)(all->end - rest)), want);
    return memcmp(want, all->p[0].body.at, size) == 0;
}

static void
phase_2(struct initiator *i, const struct isakmp_header *h, struct reader body)
{
    bool fresh = h->exchange == ISAKMP_INFORMATIONAL || h->message_id != i->q_id;
    struct secret *plain = secret_new(body.at, body.left);
    const struct isakmp_payload *p;
    struct isakmp_payloads all;
    uint8_t iv[IKE1_BLOCK_MAX];

    if (fresh)
        g_assert_true(ike1_exchange_iv(&i->keys, h->message_id, iv));
    else
        memcpy(iv, i->q_iv, sizeof(iv));
    if (!ike1_decrypt(&i->keys, iv, plain->bytes, plain->len) ||
        !isakmp_payloads_read(reader_of(plain->bytes, plain->len), h->next, &all)) {
        secret_free(plain);
        return;
    }
    if (h->exchange == ISAKMP_INFORMATIONAL && hash_is(i, h, &all, slice("", 0))) {
        if ((p = isakmp_find(&all, ISAKMP_NOTIFY, 0)))
            on_notify(i, p->body);
        if ((p = isakmp_find(&all, ISAKMP_DELETE, 0)))
            on_delete(i, p->body);
    } else if (h->exchange == ISAKMP_QUICK && fresh && hash_is(i, h, &all, slice("", 0))) {
        memcpy(i->q_iv, iv, sizeof(iv));
        theirs_1(i, h->message_id, &all);
    } else if (h->exchange == ISAKMP_QUICK && !fresh && !i->q_theirs &&
               hash_is(i, h, &all, of(i->q_nonce_i))) {
        memcpy(i->q_iv, iv, sizeof(iv));
        quick_2(i, &all);
    }
    secret_free(plain);
}

void
initiator_receive(struct initiator *i, struct reader message)
{
    struct isakmp_header h;

    i->out_len = 0;
    g_assert_true(isakmp_header_read(&message, &h));
    if (memcmp(h.initiator, i->cookies, 8) != 0)
        return;
    if (h.exchange == ISAKMP_MAIN || h.exchange == ISAKMP_AGGRESSIVE)
        phase_1(i, &h, message);
    else if (!(h.flags & ISAKMP_ENCRYPTED)) {
        struct isakmp_payloads all;
        g_assert_true(isakmp_payloads_read(message, h.next, &all));
        on_notify(i, isakmp_find(&all, ISAKMP_NOTIFY, 0)->body);
    } else if (i->up)
        phase_2(i, &h, message);
}
