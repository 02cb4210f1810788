/* SPDX-License-Identifier: Apache-2.0 */
/* api_doc.h - the list of methods as text (Markdown), made from the table. */
#pragma once

/* g_free. Any thread. */
char *rpc_api_doc(void);
