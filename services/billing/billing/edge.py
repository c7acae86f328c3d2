"""What the endpoints take: who may call them, the settings, transactions of their own."""

from typing import Annotated

from chassis.database import Database
from chassis.policies import Policy
from chassis.reach import Reach
from fastapi import Depends, Request

from billing.settings import Settings


# Coroutines: what is none has a turn in a thread.
async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


#: For what calls PayFiP between two transactions.
OwnTransactions = Annotated[Database, Depends(_database)]
Configured = Annotated[Settings, Depends(_settings)]

Guardian = Annotated[Reach, Depends(Policy("guardian", reach="dossier"))]
FamilyOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]
FamilyOrCashier = Annotated[Reach, Depends(Policy("guardian", "cashier", reach="dossier"))]
Reader = Annotated[Reach, Depends(Policy("guardian", "cashier", "agent", reach="dossier"))]
