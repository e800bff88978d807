"""What people call the columns of an inference log in other languages than those of which `field_names` has most.

Words are in lower case and without accents, as `field_names.normal` writes them; what stands there is not repeated.
"""

from typing import Final

_WRITTEN: Final = {
    "time": "eingang eingegangen eingangszeit anfragezeit recu_le date_requete marca_temporal recibido"
    " fecha_solicitud data_hora datahora data_e_hora carimbo_de_tempo instante recebido_em criado_em"
    " registrado_em data_requisicao tijd tijdstip datum_tijd tidpunkt tidsstampel czas znacznik_czasu"
    " data_godzina zaman zaman_damgasi tarih_saat время дата_время время_запроса метка_времени 日時 時刻"
    " タイムスタンプ 受信日時 受付日時 発生日時 記録日時 リクエスト日時 时间 时间戳 日期时间 请求时间 시간"
    " 일시 타임스탬프 요청시간 요청일시",
    "request_id": "anfrage_id vorgangs_id id_requisicao requisicao_id id_solicitud id_requete リクエストid 请求id"
    " 요청id",
    "model": "nome_modelo nombre_modelo nome_modello модель モデル モデル名 模型 模型名称 모델 모델명",
    "model_version": "versao_modelo versao versione モデルバージョン バージョン 模型版本 모델버전",
    "principal": "aufrufer_id anwender absender id_usuario usuario_id id_cliente cliente_api usuario_api chave_api"
    " solicitante demandeur richiedente gebruiker gebruikers_id klant klant_id afnemer anvandare kund"
    " kund_id uzytkownik klient kullanici kullanici_id musteri пользователь клиент логин 利用者 利用者id"
    " ユーザー ユーザ ユーザーid ユーザid クライアント クライアントid 呼び出し元 会員id 顧客id アカウント"
    " 用户 用户id 调用方 客户 客户id 账号 사용자 사용자id 클라이언트 고객 고객id",
    "session": "sessao sessao_id sessie сессия セッション セッションid 会话 会话id 세션",
    "source_ip": "ip_cliente ip_origem ip_origen ip_adresse ipアドレス 接続元ip 送信元ip 客户端ip ip地址",
    "status": "ステータス 状态码 codigo_estado codigo_status",
    "label": "previsao predicao classificacao decisao rotulo clasificacion decision_final klasse_vorhersage"
    " classification uitslag beslissing forutsagelse prediktion predykcja wynik decyzja etykieta tahmin"
    " sonuc karar прогноз предсказание результат класс решение 予測 予測結果 予測ラベル 予測クラス"
    " 判定結果 推論結果 分類結果 预测 预测结果 预测类别 结果 判定 예측 예측결과 예측값 판정 결과",
    "scores": "probabilidade pontuacao escore confianca waarschijnlijkheid betrouwbaarheid sannolikhet"
    " prawdopodobienstwo pewnosc olasilik guven вероятность уверенность 確率 予測確率 スコア 信頼度 確信度"
    " 概率 置信度 得分 확률 점수 신뢰도",
    "input": "merkmal variablen eingangsdaten variables_entree donnees_entree variables_entrada solicitud cuerpo"
    " requisicao dados dados_entrada variaveis atributos corpo kenmerken invoer gegevens indata cechy"
    " wejscie dane ozellikler girdi признаки вход данные запрос текст 特徴量 入力 入力値 入力データ"
    " 説明変数 データ 本文 テキスト 特征 输入 输入数据 数据 文本 특징 특성 입력 입력값 데이터 텍스트",
}
INPUTS: Final = tuple(_WRITTEN.pop("input").split())
"""Under these stands what the model was asked."""
WORDS: Final = {column: tuple(words.split()) for column, words in _WRITTEN.items()}
"""A column to the names it goes by."""
ANSWERS: Final = (
    "saidas?|previs(?:ao|oes)|predic(?:ao|oes)|antwoord|uitvoer|svar|odpowiedz|wyjscie|yanit|cikti|ответ"
    "|выход|результат|出力|応答|レスポンス|結果|予測結果|推論結果|输出|响应|结果|출력|응답|결과"
)
"""Under these stands what it answered."""
BEGINNINGS: Final = (
    "eingang|empfangen|anfrage|beginn|recu|debut|requete|inicio|recib|receb|solicitud|requisicao|inizio"
    "|ricevut|受信|受付|開始|请求|开始|요청|시작"
)
"""How times are called that say when something was asked."""
SHARE_ENDS: Final = (
    "wahrscheinlichkeit|konfidenz|probabilit[ae]|probabilidade?|confian[cz]a|confiance|waarschijnlijkheid"
    "|sannolikhet|prawdopodobienstwo|olasilik|вероятность|確率|信頼度|確信度|概率|置信度|확률|신뢰도"
)
"""How the names of shares end, also of words that are written as one."""
DAY_FIRST: Final = (
    "fecha|hora|momento|datum|zeit|uhrzeit|zeitpunkt|zeitstempel|horodatage|heure|data_ora|data_hora"
    "|datahora|giorno|tijd|tijdstip|czas|godzina|дата|время"
)
"""Words in the names of times by people who write the day before the month."""
ESTIMATED: Final = (
    ".+_(?:estimee?|predite?|prevue?|estimad[oa]|predich[oa]|previst[oa]|pronosticad[oa]|stimat[oa])"
    "|(?:geschatzte|vorhergesagte|prognostizierte|erwartete|geschatte|voorspelde)[rsn]?_.+"
)
"""How the answers of models are called that say an amount: the price that is estimated, in any order of the words."""
