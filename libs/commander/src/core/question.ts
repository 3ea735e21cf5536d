/** The name by which a brain's call asks a person; no tool may have it in a session that may ask. */
export const ASK_USER = 'ask_user';
