/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - see local.h.
 *
 * The rules of the SE-VPN protocol, and two of our own: an empty password never logs in, and what
 * is wrong with an account (expired, no access) is told to nobody who has not proven to be its
 * owner. A user with anonymous login succeeds with whatever credential a client happens to send.
 * What a back-end has proven is not looked at again, but the account is.
 */

#include "core/auth/local.h"

#include "core/auth/crl.h"
#include "core/base/error.h"
#include "core/crypto/cert.h"
#include "core/crypto/sha0.h"

#include <string.h>

/* For a user who is not there. Its bytes do not matter: no answer is right. */
static const uint8_t no_hash[SHA0_SIZE] = {0x5a};
static const char administrator[] = "administrator";
/* MD4 of nothing. */
static const uint8_t nt_hash_of_nothing[NT_HASH_SIZE] = {
    0x31, 0xd6, 0xcf, 0xe0, 0xd1, 0x6a, 0xe9, 0x31, 0xb7, 0x3c, 0x59, 0xd7, 0xe0, 0xc0, 0x89, 0xc0};
static const char no_user[] = "no such user or hub";
static const char revoked[] = "the certificate is revoked";

bool
local_needs_password(const struct auth_request *r, const struct auth_user *user)
{
    return r->kind == AUTH_PLAIN && !(user && user->auth_type == AUTH_USER_ANONYMOUS);
}

bool
local_needs_cas(const struct auth_request *r, const struct auth_user *user)
{
    bool by_cert = r->kind == AUTH_CERT_PROOF || r->kind == AUTH_CERT_TLS;
    return user && ((by_cert && user->auth_type == AUTH_USER_SIGNED_CERT) || r->cert_required);
}

bool
local_needs_crls(const struct auth_request *r, const struct auth_user *user)
{
    return user && (r->kind == AUTH_CERT_PROOF || r->kind == AUTH_CERT_TLS || r->cert_required);
}

/* ---- passwords ---- */

/* The empty password has a hash like any other. */
static bool
is_hash_of_nothing(const char *user, const uint8_t hash[SHA0_SIZE])
{
    uint8_t nothing[SHA0_SIZE];
    sevpn_user_hash(user, "", nothing);
    return secret_equal(nothing, hash, sizeof(nothing));
}

static bool
sevpn_hash_is_right(const struct auth_request *r, const struct auth_user *u)
{
    bool has = u && u->auth_type == AUTH_USER_PASSWORD && u->has_sevpn_hash;
    const uint8_t *hash = has ? u->sevpn_hash : no_hash;
    uint8_t want[SHA0_SIZE];
    sevpn_secure_password(hash, r->challenge, want);
    bool same = secret_equal(want, r->response, sizeof(want));
    bool nothing = is_hash_of_nothing(has ? u->name : r->user, hash);
    secret_wipe(want, sizeof(want));
    return has && same && !nothing;
}

static bool
plain_is_right(const struct auth_request *r, const struct auth_facts *f)
{
    const struct auth_user *u = f->user;
    bool has = u && u->auth_type == AUTH_USER_PASSWORD;
    bool by_hash = has && !u->verifier && u->has_sevpn_hash;
    if (!r->password || r->password->len == 0 ||
        strlen(secret_str(r->password)) != r->password->len)
        return false; /* empty, or cut short by a NUL */

    uint8_t hash[SHA0_SIZE];
    sevpn_user_hash(has ? u->name : r->user, secret_str(r->password), hash);
    bool same = secret_equal(hash, by_hash ? u->sevpn_hash : no_hash, sizeof(hash));
    secret_wipe(hash, sizeof(hash));
    return has && (by_hash ? same : u->verifier && f->password_ok);
}

/* ---- MS-CHAPv2 ---- */

/* The hash that the response was made with; of the empty password for a user who needs none, since
 * the peer wants to see ours proven, too. *can_login: whether the right response is enough. */
static const uint8_t *
nt_hash_of(const struct auth_user *u, bool *can_login)
{
    if (u && u->auth_type == AUTH_USER_ANONYMOUS) {
        *can_login = true;
        return nt_hash_of_nothing;
    }
    bool has = u && u->auth_type == AUTH_USER_PASSWORD && u->has_nt_hash;
    *can_login = has && !secret_equal(u->nt_hash, nt_hash_of_nothing, NT_HASH_SIZE);
    return has ? u->nt_hash : no_hash;
}

/* The challenge hash for which the response is right. The work depends on the request alone. */
static bool
find_challenge_hash(const struct auth_request *r, const uint8_t nt[NT_HASH_SIZE],
                    uint8_t out[MSCHAP_HASH])
{
    const char *name = r->mschap.name ? r->mschap.name : r->user;
    const char *slash = strrchr(name, '\\');
    const char *names[2] = {slash ? slash + 1 : name, name};
    bool found = false;

    for (unsigned i = 0; i < (slash ? 2 : 1); i++) {
        uint8_t hash[MSCHAP_HASH];
        uint8_t want[MSCHAP_RESPONSE];
        if (!mschap_challenge_hash(r->mschap.peer, r->mschap.authenticator, names[i], hash) ||
            !mschap_response(hash, nt, want) ||
            !secret_equal(want, r->mschap.response, sizeof(want)))
            continue;
        memcpy(out, hash, sizeof(hash));
        found = true;
    }
    return found;
}

static const char *
mschap_fault(const struct auth_request *r, const struct auth_user *u)
{
    uint8_t hash[MSCHAP_HASH];
    bool can_login = false;
    bool same = find_challenge_hash(r, nt_hash_of(u, &can_login), hash);

    if (u && u->auth_type == AUTH_USER_PASSWORD && !u->has_nt_hash)
        return "the password was set without a hash for MS-CHAPv2: it must be set again";
    return same && can_login ? NULL : "wrong password";
}

/* What shows the peer that we know its password. */
static bool
mschap_prove(const struct auth_request *r, const struct auth_user *u, struct auth_verdict *verdict)
{
    uint8_t hash[MSCHAP_HASH], hash_hash[NT_HASH_SIZE];
    bool can_login = false;
    const uint8_t *nt = nt_hash_of(u, &can_login);

    mschap_hash_hash(nt, hash_hash);
    bool ok = find_challenge_hash(r, nt, hash) &&
              mschap_authenticator(hash_hash, r->mschap.response, hash, verdict->mschap.answer) &&
              mschap_server_keys(hash_hash, r->mschap.response, &verdict->mschap.keys);
    verdict->mschap.has_keys = ok;
    secret_wipe(hash_hash, sizeof(hash_hash));
    return ok;
}

/* The same from a back-end. */
static bool
mschap_pass_on(const struct auth_request *r, const struct auth_answer *a,
               struct auth_verdict *verdict)
{
    if (!a->mschap.has_answer)
        return false;
    memcpy(verdict->mschap.answer, a->mschap.answer, sizeof(verdict->mschap.answer));
    verdict->mschap.keys = a->mschap.keys;
    verdict->mschap.has_keys =
        a->mschap.has_keys ||
        (a->mschap.has_hash_hash &&
         mschap_server_keys(a->mschap.hash_hash, r->mschap.response, &verdict->mschap.keys));
    return true;
}

/* ---- certificates ---- */

static bool
same_serial(GBytes *want, X509 *cert)
{
    g_autoptr(GBytes) has = cert_serial(cert);
    size_t n, m;
    const uint8_t *a = g_bytes_get_data(want, &n), *b = g_bytes_get_data(has, &m);
    while (n > 1 && a[0] == 0) { /* leading zeroes mean nothing */
        a++;
        n--;
    }
    return n == m && memcmp(a, b, n) == 0;
}

static bool
is_signed(X509 *cert, GPtrArray *cas)
{
    bool ok = false;
    for (unsigned i = 0; cas && i < cas->len && !ok; i++) {
        GBytes *der = cas->pdata[i];
        X509 *ca = cert_from_der(g_bytes_get_data(der, NULL), g_bytes_get_size(der), NULL);
        ok = ca && cert_is_signed_by(cert, &ca, 1, false);
        X509_free(ca);
    }
    return ok;
}

static bool
signed_cert_fits(X509 *cert, const struct auth_facts *f)
{
    const struct auth_user *u = f->user;
    if (u->cert_serial && g_bytes_get_size(u->cert_serial) > 0 &&
        !same_serial(u->cert_serial, cert))
        return false;
    if (u->cert_cn && u->cert_cn[0] != '\0') {
        g_autofree char *cn = cert_common_name(cert);
        if (!cn || g_ascii_strcasecmp(cn, u->cert_cn) != 0)
            return false;
    }
    return is_signed(cert, f->cas);
}

/* NULL: it is a certificate of this user. */
static const char *
cert_misfit(const struct auth_request *r, X509 *cert, const struct auth_facts *f)
{
    const struct auth_user *u = f->user;
    if (!u)
        return no_user;
    if (!cert_is_in_time(cert))
        return "the certificate has expired or is not valid yet";
    if (crl_is_revoked(f->crls, cert))
        return revoked;
    if (u->auth_type == AUTH_USER_CERT)
        return u->cert && g_bytes_equal(u->cert, r->cert) ? NULL
                                                          : "it is not the user's certificate";
    if (u->auth_type != AUTH_USER_SIGNED_CERT)
        return "the user does not log in by certificate";
    return signed_cert_fits(cert, f)
               ? NULL
               : "no trusted authority of the hub signed the certificate for this user";
}

/* proven: its key was shown by a TLS handshake, so there is no signature to check. */
static const char *
cert_fault(const struct auth_request *r, const struct auth_facts *f, bool proven)
{
    if (!r->cert || (!proven && !r->proof))
        return "no certificate was shown";
    X509 *cert = cert_from_der(g_bytes_get_data(r->cert, NULL), g_bytes_get_size(r->cert), NULL);
    const char *fault = NULL;
    /* The proof first, since it costs the most and is the same for any user. */
    if (!cert)
        fault = "the certificate cannot be read";
    else if (!proven && !cert_sevpn_verify(cert, r->challenge, g_bytes_get_data(r->proof, NULL),
                                           g_bytes_get_size(r->proof), false))
        fault = "the certificate's key was not proven";
    else
        fault = cert_misfit(r, cert, f);
    X509_free(cert);
    return fault;
}

/* The certificate that must be there beside a password. */
static const char *
second_factor_fault(const struct auth_request *r, const struct auth_facts *f)
{
    if (!r->cert_required)
        return NULL;
    if (!r->cert)
        return "a certificate is required beside the password";
    X509 *cert = cert_from_der(g_bytes_get_data(r->cert, NULL), g_bytes_get_size(r->cert), NULL);
    const char *fault = NULL;
    if (!cert)
        fault = "the certificate cannot be read";
    else if (!cert_is_in_time(cert))
        fault = "the certificate has expired or is not valid yet";
    else if (crl_is_revoked(f->crls, cert))
        fault = revoked;
    else if (!is_signed(cert, f->cas))
        fault = "no trusted authority of the hub signed the certificate";
    X509_free(cert);
    return fault;
}

/* ---- the verdict ---- */

/* Why the credential does not prove the user; NULL when it does. */
static const char *
credential_fault(const struct auth_request *r, const struct auth_facts *f)
{
    switch (r->kind) {
    case AUTH_ANONYMOUS:
        return "the user needs a credential";
    case AUTH_SEVPN_HASH:
        return sevpn_hash_is_right(r, f->user) ? NULL : "wrong password";
    case AUTH_PLAIN:
        return plain_is_right(r, f) ? second_factor_fault(r, f) : "wrong password";
    case AUTH_CERT_PROOF:
        return cert_fault(r, f, false);
    case AUTH_CERT_TLS:
        return cert_fault(r, f, true);
    case AUTH_MSCHAPV2:
        return mschap_fault(r, f->user);
    case AUTH_PROVEN:
        return f->user ? NULL : no_user;
    case AUTH_REPLY:
        return "no back-end asked for it";
    }
    return "unknown kind of credential";
}

static const char *
why_not(const struct auth_answer *answer)
{
    static const char *const usual[] = {[AUTH_SAYS_YES] = NULL,
                                        [AUTH_SAYS_NO] = "wrong password",
                                        [AUTH_SAYS_DENIED] = "the back-end forbids access",
                                        [AUTH_SAYS_ASK] = "the back-end asks for more",
                                        [AUTH_SAYS_NOTHING] = "the back-end does not answer"};
    return answer->reason ? answer->reason : usual[answer->says];
}

static const char *
login_fault(const struct auth_request *r, const struct auth_facts *f)
{
    const char *fault = NULL;
    if (f->user && f->proven)
        return second_factor_fault(r, f);
    if (f->user && f->user->auth_type >= AUTH_USER_RADIUS && r->kind != AUTH_PROVEN)
        return f->answer ? why_not(f->answer)
                         : "the account is known to another server, which "
                           "has to be asked with the plain password";
    if (f->user && f->user->auth_type == AUTH_USER_ANONYMOUS && r->kind != AUTH_MSCHAPV2)
        return second_factor_fault(r, f);
    fault = credential_fault(r, f); /* also for nobody, so that it takes its time */
    return f->user ? fault : no_user;
}

const char *
local_change_fault(const struct auth_request *r, const struct auth_user *u,
                   const struct policy *policy)
{
    if (u->auth_type != AUTH_USER_PASSWORD || g_ascii_strcasecmp(u->name, administrator) == 0)
        return "the user has no password that can be changed";
    if (policy->FixPassword)
        return "the policy forbids to change the password";
    if (is_hash_of_nothing(u->name, r->change.sevpn_hash) ||
        (r->change.has_nt_hash &&
         secret_equal(r->change.nt_hash, nt_hash_of_nothing, NT_HASH_SIZE)))
        return "the new password is empty";
    return NULL;
}

void
local_refuse(struct auth_verdict *verdict, const struct auth_answer *answer)
{
    static const int codes[] = {[AUTH_SAYS_YES] = PE_AUTH_FAILED,
                                [AUTH_SAYS_NO] = PE_AUTH_FAILED,
                                [AUTH_SAYS_DENIED] = PE_ACCESS_DENIED,
                                [AUTH_SAYS_ASK] = PE_AUTH_FAILED,
                                [AUTH_SAYS_NOTHING] = PE_HUB_FULL};
    secret_wipe(verdict, sizeof(*verdict));
    verdict->policy = policy_default();
    verdict->code = codes[answer->says];
    verdict->reason = why_not(answer);
    verdict->mschap.error = answer->mschap.error;
    memcpy(verdict->message, answer->message, sizeof(verdict->message));
}

/* The smaller one, when both are a limit. */
static uint32_t
limit(uint32_t a, uint32_t b)
{
    return a == 0 ? b : b == 0 ? a : MIN(a, b);
}

/* What the back-end wants for this login, over what the account has. */
static void
overlay(const struct auth_answer *a, struct auth_verdict *v)
{
    if (a->group[0])
        memcpy(v->group, a->group, sizeof(v->group));
    if (a->vlan)
        v->policy.VLanId = a->vlan;
    v->policy.AutoDisconnect = limit(v->policy.AutoDisconnect, a->session_s);
    v->policy.MaxUpload = limit(v->policy.MaxUpload, a->max_upload);
    v->policy.MaxDownload = limit(v->policy.MaxDownload, a->max_download);
    v->idle_s = a->idle_s;
    v->routes = a->routes;
    memcpy(v->message, a->message, sizeof(v->message));
    if (a->address.ip4.ip.family) {
        v->address.ip4 = a->address.ip4;
        v->address.gateway4 = a->address.gateway4;
    }
    if (a->address.ip6.ip.family) {
        v->address.ip6 = a->address.ip6;
        v->address.gateway6 = a->address.gateway6;
    }
    if (a->address.n_dns > 0) {
        memcpy(v->address.dns, a->address.dns, sizeof(v->address.dns));
        v->address.n_dns = a->address.n_dns;
    }
}

void
local_decide(const struct auth_request *r, const struct auth_facts *f, struct auth_verdict *verdict)
{
    const struct auth_user *u = f->user;
    *verdict = (struct auth_verdict){.code = PE_AUTH_FAILED, .policy = policy_default()};
    verdict->reason = login_fault(r, f);
    if (verdict->reason) {
        if (f->answer && f->answer->says != AUTH_SAYS_YES)
            local_refuse(verdict, f->answer);
        return;
    }

    g_strlcpy(verdict->user, f->by_template ? r->user : u->name, sizeof(verdict->user));
    if (f->by_template)
        g_strlcpy(verdict->record, u->name, sizeof(verdict->record));
    g_strlcpy(verdict->group, u->group, sizeof(verdict->group));
    verdict->hub_admin = g_ascii_strcasecmp(u->name, administrator) == 0;
    verdict->policy = u->policy;
    if (verdict->hub_admin) {
        verdict->policy = policy_default();
        verdict->policy.MonitorPort = 1;
    }
    verdict->address = u->address;
    if (f->answer)
        overlay(f->answer, verdict);
    if (u->expires_ms != 0 && f->now_ms >= u->expires_ms)
        verdict->reason = "the account has expired";
    else if (!verdict->policy.Access)
        verdict->reason = "the policy forbids access";
    else if (r->kind == AUTH_MSCHAPV2 &&
             !(f->answer ? mschap_pass_on(r, f->answer, verdict) : mschap_prove(r, u, verdict)))
        verdict->reason = "MS-CHAPv2 cannot be computed";
    verdict->code = verdict->reason ? PE_ACCESS_DENIED : PE_OK;
}
