/* SPDX-License-Identifier: Apache-2.0 */
/* acl_rule.c - rules as values: their life, and what they may say. */

#include "core/hub/acl/acl_rule.h"

#include "core/base/error.h"
#include "core/net/ip.h"

#include <string.h>

/* ---- life ---- */

void
acl_rule_init(struct acl_rule *r)
{
    *r = (struct acl_rule){.id = 0};
}

static void
clear_side(struct acl_side *s)
{
    g_free(s->set);
    g_free(s->user);
}

void
acl_rule_clear(struct acl_rule *r)
{
    clear_side(&r->src);
    clear_side(&r->dst);
    g_free(r->redirect_url);
    g_free(r->note);
    acl_rule_init(r);
}

static void
copy_side(struct acl_side *to)
{
    to->set = g_strdup(to->set);
    to->user = g_strdup(to->user);
}

void
acl_rule_copy(struct acl_rule *to, const struct acl_rule *from)
{
    *to = *from;
    copy_side(&to->src);
    copy_side(&to->dst);
    to->redirect_url = g_strdup(from->redirect_url);
    to->note = g_strdup(from->note);
}

void
acl_rule_clear_in_array(gpointer rule)
{
    acl_rule_clear(rule);
}

GArray *
acl_rules_new(void)
{
    GArray *rules = g_array_new(FALSE, TRUE, sizeof(struct acl_rule));

    g_array_set_clear_func(rules, acl_rule_clear_in_array);
    return rules;
}

/* ---- questions ---- */

static bool
is_set(const char *text)
{
    return text && text[0] != '\0';
}

static bool
is_zero(const uint8_t *bytes, unsigned n)
{
    unsigned any = 0;

    for (unsigned i = 0; i < n; i++)
        any |= bytes[i];
    return any == 0;
}

bool
acl_side_has_address(const struct acl_side *s)
{
    return !is_zero(s->ip, sizeof(s->ip)) || !is_zero(s->mask, sizeof(s->mask));
}

bool
acl_side_has_ports(const struct acl_side *s)
{
    return s->first_port != 0 || s->last_port != 0;
}

static bool
side_is_any(const struct acl_side *s)
{
    return !acl_side_has_address(s) && !is_set(s->set) && !acl_side_has_ports(s);
}

bool
acl_rule_is_for_all(const struct acl_rule *r)
{
    return side_is_any(&r->src) && side_is_any(&r->dst) && r->protocol == 0 && !r->check_tcp_state;
}

int
acl_mask_length(const uint8_t *mask, unsigned bytes)
{
    unsigned n = 0;

    while (n < bytes * 8 && mask[n / 8] & (0x80u >> n % 8))
        n++;
    for (unsigned i = n; i < bytes * 8; i++)
        if (mask[i / 8] & (0x80u >> i % 8))
            return -1;
    return (int)n;
}

void
acl_mask_of_length(unsigned length, uint8_t *mask, unsigned bytes)
{
    memset(mask, 0, bytes);
    for (unsigned i = 0; i < length && i < bytes * 8; i++)
        mask[i / 8] = (uint8_t)(mask[i / 8] | 0x80u >> i % 8);
}

/* ---- checks ---- */

static bool
refuse(GError **error, const char *sentence)
{
    g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, sentence);
    return false;
}

static bool
check_text(const char *what, const char *text, size_t max, GError **error)
{
    if (!text)
        return true;
    bool ok = strlen(text) <= max && g_utf8_validate(text, -1, NULL);
    for (const char *p = text; ok && *p != '\0'; p = g_utf8_next_char(p))
        ok = !g_unichar_iscntrl(g_utf8_get_char(p));
    if (!ok)
        g_set_error(error, PE_ERROR, PE_INVALID_PARAMETER,
                    "%s has up to %zu characters of UTF-8, and no control characters", what, max);
    return ok;
}

/* Such a name makes SoftEther's server read a file; whoever administers a hub could then learn what
 * is in any file of the machine. */
static bool
names_file(const char *user)
{
    return g_ascii_strncasecmp(user, "include:", 8) == 0 ||
           g_ascii_strncasecmp(user, "exclude:", 8) == 0;
}

static bool
check_user(const char *user, GError **error)
{
    if (!check_text("the name of a user or group", user, ACL_USER_MAX, error))
        return false;
    if (user && names_file(user))
        return refuse(error, "rules do not read files ('include:' and 'exclude:'): put the users "
                             "into a group and name that");
    return true;
}

static bool
check_ports(struct acl_side *s, GError **error)
{
    if (s->last_port == 0)
        s->last_port = s->first_port;
    if (s->first_port > s->last_port)
        return refuse(error, "a range of ports begins with the smaller one");
    return true;
}

static bool
check_side(const struct acl_rule *r, struct acl_side *s, GError **error)
{
    bool has_address = acl_side_has_address(s);

    if (is_set(s->set) && has_address)
        return refuse(error, "an end of a rule is an address or a set of addresses, not both");
    if (is_set(s->set) && !acl_set_name_check(s->set, error))
        return false;
    if (!r->is_ip6 && (!is_zero(s->ip + 4, 12) || !is_zero(s->mask + 4, 12)))
        return refuse(error, "a rule for IPv4 has IPv4 addresses");
    return check_user(s->user, error) && check_ports(s, error);
}

static bool
check_layers(const struct acl_rule *r, GError **error)
{
    bool has_ports = acl_side_has_ports(&r->src) || acl_side_has_ports(&r->dst);
    bool is_tcp = r->protocol == IP_PROTO_TCP;

    if (has_ports && r->protocol != 0 && !is_tcp && r->protocol != IP_PROTO_UDP)
        return refuse(error, "only TCP and UDP have ports: the rule would never match");
    if (r->check_tcp_state && r->protocol != 0 && !is_tcp)
        return refuse(error, "only TCP has connections: the rule would never match");
    return true;
}

static bool
check_url(const char *url, GError **error)
{
    if (!check_text("a URL to redirect to", url, ACL_URL_MAX, error))
        return false;
    if (g_ascii_strncasecmp(url, "http://", 7) != 0 && g_ascii_strncasecmp(url, "https://", 8) != 0)
        return refuse(error, "a URL to redirect to begins with http:// or https://");
    return true;
}

static bool
check_action(const struct acl_rule *r, GError **error)
{
    bool redirects = is_set(r->redirect_url);

    if (r->discard && (redirects || r->delay_ms || r->jitter_percent || r->loss_percent))
        return refuse(error, "what is discarded can neither be delayed, nor lost, nor redirected");
    if (r->delay_ms > ACL_DELAY_MAX_MS)
        return refuse(error, "a delay is up to 10000 milliseconds");
    if (r->jitter_percent > 100 || r->loss_percent > 100)
        return refuse(error, "jitter and loss are up to 100 percent");
    if (r->jitter_percent > 0 && r->delay_ms == 0)
        return refuse(error, "jitter varies a delay, and the rule has none");
    if (redirects && r->protocol != 0 && r->protocol != IP_PROTO_TCP)
        return refuse(error, "only TCP can be redirected");
    return !redirects || check_url(r->redirect_url, error);
}

bool
acl_rule_check(struct acl_rule *r, GError **error)
{
    if (r->priority == 0)
        return refuse(error, "a rule has a priority of 1 or more");
    return check_side(r, &r->src, error) && check_side(r, &r->dst, error) &&
           check_layers(r, error) && check_action(r, error) &&
           check_text("a note", r->note, ACL_NOTE_MAX, error);
}
