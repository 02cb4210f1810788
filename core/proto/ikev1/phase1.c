/* SPDX-License-Identifier: Apache-2.0 */
/* phase1.c - main mode as the responder (RFC 2409, 5), and what aggressive mode shares with it.
 *
 * Nothing is computed before message 3, which shows by our cookie that the peer gets what we send
 * it. With pre-shared keys the identity comes encrypted with the key that it would tell: every key
 * that may be the peer's is tried at message 5.
 */

#include "core/proto/ikev1/ike1_priv.h"

#include <glib.h>

enum {
    PSK_MESSAGE_MAX = 2048, /* of message 5: longer ones are no identity and hash */
};

/* ---- the offer ---- */

void
ike1_read_vendors(struct ike1 *k, const struct ike1_in *in)
{
    const unsigned natt = IKE1_VENDOR_NATT_RFC | IKE1_VENDOR_NATT_DRAFT03 |
                          IKE1_VENDOR_NATT_DRAFT02 | IKE1_VENDOR_NATT_DRAFT02N;
    const struct isakmp_payload *p;

    for (unsigned n = 0; (p = isakmp_find(&in->all, ISAKMP_VENDOR, n)); n++)
        k->vendors |= ike1_vendor_of(p->body);
    k->natt = (k->vendors & natt) != 0;
    k->nat_type = k->vendors & IKE1_VENDOR_NATT_RFC ? ISAKMP_NAT_D : ISAKMP_NAT_D_DRAFT;
    if (isakmp_find(&in->all, ISAKMP_CERT_REQUEST, 0))
        k->cert_asked = true;
}

/* Of what we can, those that the peer has said, too. */
void
ike1_write_vendors(const struct ike1 *k, struct ike1_out *o)
{
    static const enum ike1_vendor known[] = {IKE1_VENDOR_NATT_RFC, IKE1_VENDOR_NATT_DRAFT03,
                                             IKE1_VENDOR_NATT_DRAFT02N, IKE1_VENDOR_NATT_DRAFT02,
                                             IKE1_VENDOR_DPD};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!(k->vendors & known[i]))
            continue;
        struct reader bytes = ike1_vendor_bytes(known[i]);
        isakmp_payload_add(&o->m, ISAKMP_VENDOR, bytes.at, bytes.left);
    }
}

static void
explain_weak(unsigned would, char *out, size_t n)
{
    static const struct {
        unsigned bit;
        const char *name;
    } weak[] = {{IKE1_WEAK_SHA1, "sha1"},
                {IKE1_WEAK_MODP1024, "modp1024"},
                {IKE1_WEAK_3DES, "3des"},
                {IKE1_WEAK_MD5, "md5"}};

    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
        if (!(would & weak[i].bit))
            continue;
        if (out[0] != '\0')
            g_strlcat(out, ",", n);
        g_strlcat(out, weak[i].name, n);
    }
}

/* The notice is in clear, sent once, and of a fixed length that no offer is shorter than. */
void
ike1_refuse_offer(struct ike1 *k, struct reader sa, int64_t now_us)
{
    struct ike1_out o;
    char weak[64];
    uint8_t body[16];

    unsigned would = ike1_offer_explain(sa, k->c.weak, k->agreed, sizeof(k->agreed));
    explain_weak(would | k->c.weak, weak, sizeof(weak)); /* the option is the whole list */
    if (would != 0)
        ike1_say(k, "%s (to accept it: --weak %s)", k->agreed, weak);
    else
        ike1_say(k, "%s; nothing of it can be accepted", k->agreed);
    struct writer w = writer_of(body, sizeof(body));
    ike1_write_notice(&w, IKE1_PROTO_ISAKMP, ike1_slice("", 0), IKE1_N_NO_PROPOSAL_CHOSEN,
                      ike1_slice("", 0));
    ike1_out_begin(k, &o, ISAKMP_INFORMATIONAL, false, ike1_new_message_id(k));
    isakmp_payload_add(&o.m, ISAKMP_NOTIFY, body, w.len);
    isakmp_end(&o.m);
    if (writer_ok(&w) && writer_ok(&o.w) && o.w.len <= k->first_len)
        k->ops->send(k->owner, ike1_out_message(&o), now_us);
    ike1_end(k, IKE1_END_NO_PROPOSAL, now_us);
}

/* choice is of sa; what is kept is of our copy. */
void
ike1_take_suite(struct ike1 *k, struct reader sa, const struct ike1_choice *choice)
{
    k->sa_i = ike1_copy(sa);
    k->choice = *choice;
    k->choice.attributes.at = k->sa_i->bytes + (choice->attributes.at - sa.at);
    k->choice.spi = reader_of(NULL, 0);
    ike1_suite_print(&k->suite, k->agreed, sizeof(k->agreed));
}

static void
write_message_2(struct ike1 *k, struct ike1_out *o, bool vendors)
{
    ike1_out_begin(k, o, ISAKMP_MAIN, false, 0);
    isakmp_payload_begin(&o->m, ISAKMP_SA);
    ike1_write_choice(&o->w, &k->choice, 0);
    if (vendors)
        ike1_write_vendors(k, o);
    isakmp_end(&o->m);
}

bool
ike1_main_start(struct ike1 *k, const struct ike1_in *in, int64_t now_us)
{
    const struct isakmp_payload *sa = isakmp_find(&in->all, ISAKMP_SA, 0);
    unsigned auths = 1u << IKE1_PSK;
    struct ike1_choice choice;
    struct ike1_out o;

    if (k->c.cert && k->c.key && k->ops->trusts)
        auths |= 1u << IKE1_RSA;
    switch (ike1_choose(sa->body, k->c.weak, auths, 0, &k->suite, &choice)) {
    case IKE1_OFFER_MALFORMED:
        return false;
    case IKE1_OFFER_NONE:
        ike1_refuse_offer(k, sa->body, now_us);
        return true;
    case IKE1_OFFER_TAKEN:
        break;
    }
    ike1_take_suite(k, sa->body, &choice);
    ike1_remember(&k->memory, in->whole);
    write_message_2(k, &o, true);
    if (o.w.len > k->first_len) {
        write_message_2(k, &o, false);
        k->natt = false; /* not agreed on */
    }
    /* One who forged the address would have us send more than he does: he gets nothing. */
    if (!writer_ok(&o.w) || o.w.len > k->first_len)
        return false;
    k->state = IKE1_STATE_KE;
    ike1_answer(k, &k->memory, &o, now_us);
    return true;
}

/* ---- messages 3 and 4 ---- */

static void
receive_3(struct ike1 *k, struct ike1_in *in)
{
    if (in->h.flags & ISAKMP_ENCRYPTED || !isakmp_payloads_read(in->body, in->h.next, &in->all))
        return;
    const struct isakmp_payload *ke = isakmp_find(&in->all, ISAKMP_KE, 0);
    const struct isakmp_payload *nonce = isakmp_find(&in->all, ISAKMP_NONCE, 0);
    if (!ke || !nonce || nonce->body.left < IKE1_NONCE_MIN || nonce->body.left > IKE1_NONCE_MAX)
        return;
    struct ike1_dh *job = ike1_dh_new(k->suite.group, ke->body);
    if (!job) {
        ike1_say(k, "the public value of message 3 is none of the group that was agreed on");
        return;
    }
    ike1_remember(&k->memory, in->whole);
    k->nonce_i = ike1_copy(nonce->body);
    k->public_i = ike1_copy(ke->body);
    if (isakmp_find(&in->all, ISAKMP_CERT_REQUEST, 0))
        k->cert_asked = true;
    k->c.remote = in->remote;
    k->c.local = in->local;
    ike1_read_nat(k, in);
    k->state = IKE1_STATE_COMPUTING;
    k->job = job;
    k->ops->compute(k->owner, job);
}

bool
ike1_take_halves(struct ike1 *k, const struct ike1_dh *job)
{
    struct pf_slice ours = ike1_dh_public(job);
    struct pf_slice shared = ike1_dh_shared(job);

    if (ours.len == 0 || shared.len == 0)
        return false;
    k->public_r = secret_new(ours.at, ours.len);
    k->shared = secret_new(shared.at, shared.len);
    k->nonce_r = secret_new(NULL, IKE1_NONCE);
    k->ops->random(k->owner, k->nonce_r->bytes, IKE1_NONCE);
    return true;
}

struct ike1_ingredients
ike1_ingredients(const struct ike1 *k, const struct secret *psk)
{
    return (struct ike1_ingredients){
        .nonce_i = ike1_slice_of(k->nonce_i),
        .nonce_r = ike1_slice_of(k->nonce_r),
        .shared = ike1_slice_of(k->shared),
        .public_i = ike1_slice_of(k->public_i),
        .public_r = ike1_slice_of(k->public_r),
        .cookies = k->cookies,
        .psk = psk,
    };
}

static void
send_4(struct ike1 *k, int64_t now_us)
{
    struct ike1_out o;

    if (k->suite.auth == IKE1_RSA) {
        struct ike1_ingredients from = ike1_ingredients(k, NULL);
        if (!ike1_keys_make(&k->keys, &k->suite, &from)) {
            ike1_end(k, IKE1_END_PROTOCOL, now_us);
            return;
        }
    }
    ike1_out_begin(k, &o, ISAKMP_MAIN, false, 0);
    isakmp_payload_add(&o.m, ISAKMP_KE, k->public_r->bytes, k->public_r->len);
    isakmp_payload_add(&o.m, ISAKMP_NONCE, k->nonce_r->bytes, k->nonce_r->len);
    if (k->suite.auth == IKE1_RSA)
        ike1_write_cert_request(&o);
    ike1_write_nat(k, &o);
    isakmp_end(&o.m);
    k->state = IKE1_STATE_AUTH;
    ike1_answer(k, &k->memory, &o, now_us);
}

void
ike1_phase1_computed(struct ike1 *k, const struct ike1_dh *job, int64_t now_us)
{
    if (!ike1_take_halves(k, job)) {
        ike1_say(k, "the Diffie-Hellman exchange failed");
        ike1_end(k, IKE1_END_PROTOCOL, now_us);
    } else if (k->exchange == ISAKMP_AGGRESSIVE)
        ike1_aggressive_computed(k, now_us);
    else
        send_4(k, now_us);
}

/* ---- messages 5 and 6 ---- */

/* It may be the right one that is still to come: whoever sees our cookies can send garbage. */
void
ike1_bad(struct ike1 *k, struct reader message, int64_t now_us)
{
    k->bad++;
    ike1_digest_of(message, k->bad_digest);
    k->until_us = MIN(k->until_us, now_us + IKE1_BAD_S * IKE1_US);
    if (k->bad >= IKE1_BAD_MAX)
        ike1_end(k, IKE1_END_WRONG_KEY, now_us);
}

bool
ike1_take_peer(struct ike1 *k, struct reader id, void *tag, X509 *cert, int64_t now_us)
{
    struct ike1_id who;

    if (!ike1_id_read(id, &who)) {
        ike1_say(k, "the identity of the peer is malformed");
        ike1_end(k, IKE1_END_PROTOCOL, now_us);
        return false;
    }
    k->tag = tag;
    bool wanted = k->ops->established(k->owner, &who, tag, cert, now_us);
    if (wanted || ike1_is_over(k))
        return !ike1_is_over(k);
    if (k->problem[0] == '\0')
        ike1_say(k, "the key is right, but the identity %s is not wanted", who.text);
    ike1_notify(k, 0, IKE1_PROTO_ISAKMP, IKE1_N_AUTHENTICATION_FAILED, now_us);
    ike1_end(k, IKE1_END_REFUSED, now_us);
    return false;
}

void
ike1_up(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    uint32_t life_s = k->suite.life_s == 0 ? IKE1_LIFE_S : MIN(k->suite.life_s, IKE1_LIFE_MAX_S);

    k->state = IKE1_STATE_UP;
    k->until_us = now_us + life_s * IKE1_US;
    k->heard_us = now_us;
    k->problem[0] = '\0';
    secret_free(k->shared);
    k->shared = NULL;
    if (in->plain) /* what is in clear may be anybody's */
        ike1_read_notices(k, in, now_us);
}

/* Our address as the peer knows us. */
void
ike1_write_our_id(const struct ike1 *k, struct writer *w)
{
    const struct ip *ip = k->c.public_ip.family != 0 ? &k->c.public_ip : &k->c.local.ip;
    uint8_t *subject = NULL;
    int len = 0;

    if (k->suite.auth == IKE1_RSA)
        len = i2d_X509_NAME(X509_get_subject_name(k->c.cert), &subject);
    if (len > 0)
        ike1_id_write(w, IKE1_ID_DN, subject, (size_t)len);
    else
        ike1_id_write_ip(w, ip, 0, 0);
    OPENSSL_free(subject);
}

static void
send_6(struct ike1 *k, int64_t now_us)
{
    struct ike1_ingredients from = ike1_ingredients(k, NULL);
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t hash[IKE1_HASH_MAX];
    struct ike1_out o;

    ike1_out_begin(k, &o, ISAKMP_MAIN, true, 0);
    isakmp_payload_begin(&o.m, ISAKMP_ID);
    size_t at = o.w.len;
    ike1_write_our_id(k, &o.w);
    bool ok = writer_ok(&o.w) && ike1_auth_hash(&k->keys, &from, false, ike1_slice_of(k->sa_i),
                                                ike1_slice(o.bytes + at, o.w.len - at), hash);
    if (ok && k->suite.auth == IKE1_RSA)
        ok = ike1_signature_write(k, &o, hash, size);
    else
        isakmp_payload_add(&o.m, ISAKMP_HASH, hash, size);
    if (ok && ike1_out_seal(k, &o, k->keys.iv))
        ike1_answer(k, &k->memory, &o, now_us);
}

/* The first block, decrypted, looks like an identity: so are few of 2^128 wrong keys'. */
static bool
is_plausible(const struct ike1_keys *keys, const struct ike1_in *in)
{
    size_t size = ike1_block_size(keys->cipher);
    uint8_t iv[IKE1_BLOCK_MAX];
    uint8_t block[IKE1_BLOCK_MAX] = {0};

    memcpy(iv, keys->iv, sizeof(iv));
    memcpy(block, in->body.at, size);
    if (!ike1_decrypt(keys, iv, block, size))
        return false;
    size_t len = (size_t)block[2] << 8 | block[3];
    return block[1] == 0 && len > 8 && len <= in->body.left && block[4] >= IKE1_ID_IPV4 &&
           block[4] <= IKE1_ID_KEY;
}

/* in->plain stays when it is true. */
static bool
try_key(struct ike1 *k, struct ike1_in *in, const struct secret *psk)
{
    struct ike1_ingredients from = ike1_ingredients(k, psk);
    size_t size = ike1_hash_size(k->suite.hash);
    uint8_t want[IKE1_HASH_MAX];

    if (!ike1_keys_make(&k->keys, &k->suite, &from) || !is_plausible(&k->keys, in) ||
        !ike1_open(&k->keys, k->keys.iv, in))
        return false;
    const struct isakmp_payload *id = isakmp_find(&in->all, ISAKMP_ID, 0);
    const struct isakmp_payload *hash = isakmp_find(&in->all, ISAKMP_HASH, 0);
    if (id && hash && hash->body.left == size &&
        ike1_auth_hash(&k->keys, &from, true, ike1_slice_of(k->sa_i),
                       ike1_slice(id->body.at, id->body.left), want) &&
        secret_equal(want, hash->body.at, size))
        return true;
    secret_free(in->plain);
    in->plain = NULL;
    return false;
}

/* True: one was right, and in is open. */
static bool
try_keys(struct ike1 *k, struct ike1_in *in, void **tag)
{
    size_t block = ike1_block_size(k->suite.cipher);
    unsigned n = 0;

    if (in->body.left < block || in->body.left % block != 0 || in->body.left > PSK_MESSAGE_MAX)
        return false;
    for (; n < IKE1_KEYS_MAX; n++) {
        struct ike1_key key = {0};
        if (!k->ops->key(k->owner, NULL, n, &key))
            break;
        if (key.psk && try_key(k, in, key.psk)) {
            *tag = key.tag;
            return true;
        }
    }
    secret_wipe(&k->keys, sizeof(k->keys));
    if (n == 0)
        ike1_say(k, "there is no pre-shared key for this peer");
    else if (n == 1)
        ike1_say(k, "pre-shared key is wrong: message 5 could not be decrypted");
    else
        ike1_say(k, "pre-shared key is wrong: message 5 could not be decrypted by any of %u keys",
                 n);
    return false;
}

/* By signatures: the keys are known, and the IV must stay until all was right. */
static X509 *
open_signed(struct ike1 *k, struct ike1_in *in, bool *trusted)
{
    uint8_t iv[IKE1_BLOCK_MAX];

    memcpy(iv, k->keys.iv, sizeof(iv));
    if (!ike1_open(&k->keys, iv, in)) {
        ike1_say(k, "message 5 could not be decrypted");
        return NULL;
    }
    X509 *cert = ike1_signature_check(k, in, trusted);
    if (cert) {
        memcpy(k->keys.iv, iv, sizeof(iv));
        return cert;
    }
    secret_free(in->plain);
    in->plain = NULL;
    return NULL;
}

/* It has proven who it is, and is told that it does not get in. */
static void
refuse_peer(struct ike1 *k, int64_t now_us)
{
    ike1_notify(k, 0, IKE1_PROTO_ISAKMP, IKE1_N_AUTHENTICATION_FAILED, now_us);
    ike1_end(k, IKE1_END_REFUSED, now_us);
}

static void
receive_5(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    bool trusted = true;
    uint8_t digest[IKE1_DIGEST];
    X509 *cert = NULL;
    void *tag = NULL;

    if (!(in->h.flags & ISAKMP_ENCRYPTED) || in->h.next != ISAKMP_ID)
        return;
    ike1_digest_of(in->whole, digest);
    if (k->bad > 0 && memcmp(digest, k->bad_digest, sizeof(digest)) == 0)
        return;
    bool right;
    if (k->suite.auth == IKE1_RSA) {
        cert = open_signed(k, in, &trusted);
        right = cert != NULL;
    } else
        right = try_keys(k, in, &tag);
    if (!right) {
        ike1_bad(k, in->whole, now_us);
        return;
    }
    in->proven = true;
    ike1_remember(&k->memory, in->whole);
    if (isakmp_find(&in->all, ISAKMP_CERT_REQUEST, 0))
        k->cert_asked = true;
    if (!trusted) {
        refuse_peer(k, now_us);
    } else if (ike1_take_peer(k, isakmp_find(&in->all, ISAKMP_ID, 0)->body, tag, cert, now_us)) {
        send_6(k, now_us);
        ike1_up(k, in, now_us);
    }
    X509_free(cert);
    secret_free(in->plain);
    in->plain = NULL;
}

void
ike1_phase1_receive(struct ike1 *k, struct ike1_in *in, int64_t now_us)
{
    if (in->h.message_id != 0 || in->h.exchange != k->exchange ||
        ike1_is_duplicate(k, &k->memory, in->whole, now_us))
        return;
    if (memcmp(in->h.responder, k->cookies + IKE1_COOKIE, IKE1_COOKIE) != 0)
        return;
    if (k->state == IKE1_STATE_KE)
        receive_3(k, in);
    else if (k->state == IKE1_STATE_AUTH && k->exchange == ISAKMP_AGGRESSIVE)
        ike1_aggressive_receive(k, in, now_us);
    else if (k->state == IKE1_STATE_AUTH)
        receive_5(k, in, now_us);
}
