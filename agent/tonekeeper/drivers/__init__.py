"""Who turns the crank of the core: live (asyncio), replay (a journal), sim (virtual time)."""
