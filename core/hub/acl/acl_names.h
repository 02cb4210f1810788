/* SPDX-License-Identifier: Apache-2.0 */
/* acl_names.h - names of users and groups as small numbers, the same for rules and for sessions.
 *
 * Rules and sessions hold names; a number means its name as long as anybody holds it. A number that
 * nobody held may come to mean another name: no rule in force named the old one, or it would have
 * held it, so verdicts that were found for it are those of any name without a rule. Any thread.
 */
#pragma once

#include <stdint.h>

enum { ACL_NOBODY = 0, ACL_NAMES_MAX = 0xffff00 };

struct acl_names;

struct acl_names *acl_names_new(void);
struct acl_names *acl_names_ref(struct acl_names *n);
void acl_names_unref(struct acl_names *n);

/* The number of a name, compared without case; "" and NULL are ACL_NOBODY, as is any more name than
 * ACL_NAMES_MAX. */
uint32_t acl_names_hold(struct acl_names *n, const char *name);
void acl_names_release(struct acl_names *n, uint32_t id);
/* How many are held. */
unsigned acl_names_count(struct acl_names *n);
